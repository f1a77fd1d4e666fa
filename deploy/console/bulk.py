"""Doing the same to many: what would come of each, and then each as it is done.

The selection is a snapshot: each order with the version that was seen. What has moved on since is
refused by itself, and the others are done. Dead letters are replayed alike.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from contracts.runtime.problems import Problem
from deploy.console import session
from deploy.console.acting import PREVIEW
from deploy.console.visit import HEADERS, Guest, Visit, templates

ACTIONS = ("retry", "continue", "undo", "cancel", "pause", "resume")
REPLAY = "replay"
AT_ONCE = 10  # done in one call, and then shown
MOST = 500


@dataclass(frozen=True)
class Selection:
    """What is to be done, to what, and the page it was selected on."""

    action: str
    items: list[dict[str, Any]]
    back: str

    @property
    def noun(self) -> str:
        """What each of them is."""
        return "dead letter" if self.action == REPLAY else "order"

    @property
    def path(self) -> str:
        """Where the platform is asked to do it."""
        return "/dead-letters:replay" if self.action == REPLAY else "/sagas:actions"

    def body(self, reason: str, *, dry_run: bool) -> dict[str, Any]:
        """What it is asked."""
        said: dict[str, Any] = {"reason": reason, "dry_run": dry_run}
        if self.action == REPLAY:
            return {**said, "letters": self.items}
        return {**said, "action": self.action, "items": self.items}

    def part(self, start: int) -> "Selection":
        """So much of it as is done in one call."""
        return Selection(self.action, self.items[start : start + AT_ONCE], self.back)


def routes(router: APIRouter) -> None:
    """The pages of acting on a selection."""

    @router.post("/bulk")
    async def preview(guest: Guest) -> Response:
        """What would come of it, for each; and a form that asks why."""
        of = _chosen(await guest.form())
        told = await guest.api.post(of.path, of.body(PREVIEW, dry_run=True))
        return guest.page("bulk", of=of, told=told)

    @router.post("/bulk/done")
    async def act(guest: Guest) -> Response:
        """Do it, and show each as it is done."""
        given = await guest.form()
        shown = _done(guest, _chosen(given), given.get("reason", [""])[0])
        return guest.kept(StreamingResponse(shown, headers=HEADERS, media_type="text/html"))


async def _done(guest: Visit, of: Selection, reason: str) -> AsyncIterator[str]:
    """The page, row by row."""
    page = guest.rendered("bulk_done", of=of)
    before, after = page.split("<!-- rows -->")
    row = templates().get_template("bulk_row.html")
    yield before
    for start in range(0, len(of.items), AT_ONCE):
        part = of.part(start)
        told = await guest.api.post(part.path, part.body(reason, dry_run=False))
        answers = told.said if told.ok else [_refused(item, told) for item in part.items]
        yield "".join(row.render(number=start + n, answer=a) for n, a in enumerate(answers, 1))
    yield after


def _refused(item: dict[str, Any], told: Any) -> dict[str, Any]:
    return {"id": item["id"], "ok": False, "problem": {"title": told.title, "detail": told.detail}}


def _chosen(given: dict[str, list[str]]) -> Selection:
    """The action, and what it is about: what was marked, or `all` that was shown."""
    action, back = (given.get(name, [""])[0] for name in ("action", "back"))
    marked = given.get("shown" if "all" in given else "item", ())
    items = [item for text in marked if (item := _item(action, text))]
    if action not in (*ACTIONS, REPLAY) or not 0 < len(items) <= MOST:
        detail = f"Select 1 to {MOST}, and one of {', '.join((*ACTIONS, REPLAY))}."
        raise Problem(422, "invalid", "Nothing is selected", detail)
    return Selection(action, items, session.local(back))


def _item(action: str, text: str) -> dict[str, Any] | None:
    """An order with the version that was seen, as `id@version`; a dead letter, as `id@service`."""
    identifier, _, rest = text.rpartition("@")
    if action == REPLAY:
        return {"id": identifier, "service": rest}
    return {"id": identifier, "seen_version": int(rest)} if rest.isdecimal() else None
