"""Doing something in three pages: what would come of it, why it is done, and what came of it.

The preview is a dry run. The form carries the version that was seen, so that a deed is refused when
the world moved on, and done once however often it is sent. The answer is a redirect to a page that
says what happened, which may be reloaded without doing it again.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import jwt
from fastapi import APIRouter, Depends, Response

from contracts.runtime.problems import Problem
from contracts.runtime.settings import settings
from deploy.console import deeds, session
from deploy.console.api import Told, joined, path_of
from deploy.console.deeds import Deed, Wish
from deploy.console.visit import Guest, Visit

PREVIEW = "(the reason you give)"
SAID = "concerto-said"


def routes(router: APIRouter) -> None:
    """The pages of doing something."""

    @router.get("/act/{what}/{about}")
    async def preview(
        guest: Guest, what: str, about: str, wish: Annotated[Wish, Depends()]
    ) -> Response:
        """What would come of it; and a form that asks why."""
        deed = await _deed(guest, what, about, wish)
        return await _previewed(guest, deed, wish)

    @router.post("/act/{what}/{about}")
    async def act(guest: Guest, what: str, about: str) -> Response:
        """Do it."""
        given = {name: values[0] for name, values in (await guest.form()).items()}
        wish = Wish(**given)
        deed = await _deed(guest, what, about, wish)
        if "look" in given:
            return await _previewed(guest, deed, wish)
        told = await guest.api.post(deed.path, deed.saying(wish.reason))
        said = deeds.outcome(told.said) if told.ok else []
        return done(guest, told, [deed.title, *said], wish.back)

    @router.get("/done")
    async def happened(guest: Guest, said: str) -> Response:
        """What came of a deed."""
        try:
            key = settings().signing_key.get_secret_value()
            what = jwt.decode(said, key, algorithms=["HS256"], audience=SAID)
        except jwt.InvalidTokenError:
            raise Problem(404, "not-found", "Nothing is known of that") from None
        return guest.page("done", what=what)


def done(guest: Visit, told: Told, said: Sequence[str], back: str) -> Response:
    """Send them to the page that says what came of it; what it says is signed, so that no link can
    put words into the console's mouth."""
    words = list(said) if told.ok else [told.title, told.detail]
    what = {"aud": SAID, "ok": told.ok, "said": words, "back": session.local(back)}
    key = settings().signing_key.get_secret_value()
    return guest.sent_to(path_of(f"{session.HOME}/done", said=jwt.encode(what, key, "HS256")))


async def _deed(guest: Visit, what: str, about: str, wish: Wish) -> Deed:
    """What is to be done, with what is known about it."""
    api = guest.api
    if what == "sagas":
        return deeds.on_saga(guest.needed(await api.get(joined("sagas", about))), wish)
    if what == "orders":
        return deeds.on_order(guest.needed(await api.get(joined("orders", about))))
    if what == "consumers":
        return deeds.on_consumer(about, wish)
    if what == "dead-letters":
        return deeds.on_letter(about, wish)
    if what == "services":
        listed = guest.needed(await api.get("/services"))
        return deeds.on_service(_one(listed, "name", about), wish)
    if what == "reviews":
        listed = guest.needed(await api.get("/reviews", limit=500))["reviews"]
        return deeds.on_review(_one(listed, "id", about), wish)
    raise Problem(404, "not-found", "There is no such thing to act on")


async def _previewed(guest: Visit, deed: Deed, wish: Wish) -> Response:
    told = Told(200, {})
    if deed.dry_run:
        told = await guest.api.post(deed.path, deed.saying(PREVIEW), dry_run=True)
    carried = wish.carried
    if "seen_version" in deed.body:
        carried["seen_version"] = str(deed.body["seen_version"])
    return guest.answer(
        200 if told.ok else told.status,
        "act",
        deed=deed,
        told=told,
        wish=wish,
        carried=carried,
        pauses=deeds.pauses(),
        back=session.local(wish.back),
    )


def _one(listed: list[dict[str, Any]], name: str, value: str) -> dict[str, Any]:
    for each in listed:
        if each[name] == value:
            return each
    raise Problem(404, "not-found", "There is no such thing to act on", "It may be done already.")
