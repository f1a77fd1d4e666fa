"""Doing the same to many orders: what would come of each, and then each as it is done.

The selection is a snapshot: each order with the version that was seen. What has moved on since is
refused by itself, and the others are done.
"""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from contracts.runtime.problems import Problem
from deploy.console.acting import PREVIEW
from deploy.console.visit import HEADERS, Guest, Visit, templates

ACTIONS = ("retry", "continue", "undo", "cancel", "pause", "resume")
AT_ONCE = 10  # done in one call, and then shown
MOST = 500


def routes(router: APIRouter) -> None:
    """The pages of acting on a selection."""

    @router.post("/bulk")
    async def preview(guest: Guest) -> Response:
        """What would come of it, for each; and a form that asks why."""
        given = await guest.form()
        action, items = _chosen(given)
        told = await guest.api.post("/sagas:actions", _body(action, PREVIEW, items, dry_run=True))
        return guest.page("bulk", action=action, items=items, told=told)

    @router.post("/bulk/done")
    async def act(guest: Guest) -> Response:
        """Do it, and show each as it is done."""
        given = await guest.form()
        action, items = _chosen(given)
        reason = given.get("reason", [""])[0]
        shown = _done(guest, action, items, reason)
        return guest.kept(StreamingResponse(shown, headers=HEADERS, media_type="text/html"))


async def _done(
    guest: Visit, action: str, items: list[dict[str, Any]], reason: str
) -> AsyncIterator[str]:
    """The page, row by row."""
    page = guest.rendered("bulk_done", action=action, count=len(items))
    before, after = page.split("<!-- rows -->")
    row = templates().get_template("bulk_row.html")
    yield before
    for at in range(0, len(items), AT_ONCE):
        part = items[at : at + AT_ONCE]
        told = await guest.api.post("/sagas:actions", _body(action, reason, part, dry_run=False))
        answers = told.said if told.ok else [_refused(item, told) for item in part]
        yield "".join(row.render(number=at + n, answer=a) for n, a in enumerate(answers, 1))
    yield after


def _refused(item: dict[str, Any], told: Any) -> dict[str, Any]:
    return {"id": item["id"], "ok": False, "problem": {"title": told.title, "detail": told.detail}}


def _body(
    action: str, reason: str, items: list[dict[str, Any]], *, dry_run: bool
) -> dict[str, Any]:
    return {"action": action, "reason": reason, "items": items, "dry_run": dry_run}


def _chosen(given: dict[str, list[str]]) -> tuple[str, list[dict[str, Any]]]:
    """The action, and what it is about: each with the version that was seen, as `id@version`."""
    action = given.get("action", [""])[0]
    pairs = [text.rpartition("@") for text in given.get("item", ())]
    items = [{"id": i, "seen_version": int(v)} for i, _, v in pairs if v.isdecimal()]
    if action not in ACTIONS or not 0 < len(items) <= MOST:
        detail = f"Select 1 to {MOST} orders, and one of {', '.join(ACTIONS)}."
        raise Problem(422, "invalid", "Nothing is selected", detail)
    return action, items
