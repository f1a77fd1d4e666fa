"""What a person may do from the console: how each deed is asked for, and what is said of it.

A deed is one POST to the platform. Before it, the same POST with `dry_run` says what would come of
it; where there is none, the deed's own words do.
"""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from deploy.console.api import joined
from deploy.console.formats import name, span
from deploy.console.session import HOME

PAUSES = (600, 3600, 4 * 3600, 24 * 3600)
ROLES = ("support", "risk", "operator", "admin")


class Wish(BaseModel):
    """What a form or a link asks for; empty where it says nothing."""

    action: str = ""
    step: str = ""
    service: str = ""
    seen_version: str = ""
    for_seconds: str = ""
    event: str = ""
    since: str = ""
    to: str = ""
    reason: str = ""
    back: str = HOME

    @property
    def carried(self) -> dict[str, str]:
        """What the preview's form sends on besides what is asked there."""
        asked = ("reason", "for_seconds", "to", "event", "since")
        return {name: value for name, value in self.model_dump().items() if name not in asked}


@dataclass(frozen=True)
class Deed:
    """One thing that may be done; `asks` are what its form asks for besides the reason."""

    title: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    dry_run: bool = True
    words: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    order_id: str = ""

    def saying(self, reason: str) -> dict[str, Any]:
        """The body, with the reason."""
        return {**self.body, "reason": reason}


def on_saga(saga: dict[str, Any], wish: Wish) -> Deed:
    """Something about a saga: it carries the version that was seen."""
    pause = wish.action == "pause"
    body: dict[str, Any] = {
        "action": wish.action,
        "seen_version": _number(wish.seen_version, saga["version"]),
    }
    if wish.step:
        body["step"] = wish.step
    if pause:
        body["for_seconds"] = _number(wish.for_seconds, PAUSES[1])
    return Deed(
        title=_label(saga, wish),
        path=f"/sagas/{saga['id']}/actions",
        body=body,
        asks=("for_seconds",) if pause else (),
        order_id=saga["order_id"],
    )


def on_order(order: dict[str, Any]) -> Deed:
    """To cancel an order after its pivot, which is a saga of its own."""
    words = (
        "Nothing is sent from now on; what a carrier has taken already is not called back.",
        "The money goes back, the goods are free again, and the customer is told.",
        "Whoever is still asked about a step of it may try that step again: it learns of it then.",
    )
    path = joined("orders", order["id"], "cancel")
    return Deed("Cancel the order", path, {}, False, words, (), order["id"])


def on_review(review: dict[str, Any], wish: Wish) -> Deed:
    """To take a review over, or to give it to others."""
    at, of = f"/reviews/{review['id']}", review["order_id"]
    if wish.action == "take over":
        now = f"{review['claimed_by'] or 'Nobody'} works on it now; then you do."
        return Deed("Take over", f"{at}/claim", {"take_over": True}, False, (now,), (), of)
    to = "to_role" if wish.to in ROLES else "to_person"
    words = (
        f"{review['owner']} is asked now: {review['question']}",
        "A role: whoever of it comes first decides. Anybody else: that person works on it.",
    )
    return Deed("Give to others", f"{at}/reassign", {to: wish.to}, False, words, ("to",), of)


def on_service(service: dict[str, Any], wish: Wish) -> Deed:
    """To let a service rest, or go on."""
    who, resting = service["name"], service.get("paused")
    path = f"/services/{who}/{'resume' if wish.action == 'resume' else 'pause'}"
    if wish.action == "resume":
        by = f"Paused by {resting['by']}: {resting['reason']}. " if resting else ""
        goes_on = f"{by}It goes on at once, with what it kept, in order."
        return Deed(f"Resume {who}", path, words=(goes_on,))
    words = (
        "While it is paused it keeps what comes and does nothing with it; nothing is lost.",
        *_who_waits(service),
        "It goes on by itself when the time is over.",
    )
    body = {"for_seconds": _number(wish.for_seconds, PAUSES[1])}
    return Deed(f"Pause {who}", path, body, words=words, asks=("for_seconds",))


def on_consumer(who: str, wish: Wish) -> Deed:
    """To give a subscriber what it never got."""
    chosen = {"event": wish.event, "since": wish.since}
    body = {key: value for key, value in chosen.items() if value}
    words = (f"What {who} never got is delivered to it through its own queue.",)
    path = joined("consumers", who, "backfill")
    return Deed(f"Back-fill {who}", path, body, words=words, asks=("event", "since"))


def on_letter(letter: str, wish: Wish) -> Deed:
    """To hand a dead letter to its service once more."""
    body = {"service": wish.service} if wish.service else {}
    words = ("It is handed to that one service once more, as the same message.",)
    return Deed("Replay a dead letter", joined("dead-letters", letter, "replay"), body, words=words)


def outcome(said: Any) -> list[str]:
    """What came of a deed, in sentences."""
    if not isinstance(said, dict):
        return ["It is done."]
    notes = [str(note) for note in said.get("notes", ())]
    if "events" in said and "subscriber" in said:
        notes.append(f"{said['events']} events go to {said['subscriber']}.")
    elif "service" in said and "type" in said:
        notes.append(f"{name(said['type'])} was handed to {said['service']} once more.")
    elif resting := said.get("paused"):
        notes.append(f"{said['name']} rests until {resting['until']}.")
    elif "waiting" in said:
        notes.append(f"{said['name']} goes on; {said['waiting']} messages were kept for it.")
    elif "links" in said:
        notes.append(f"{str(said['status']).capitalize()}.")
    elif "owner" in said:
        notes.append(f"{said['owner']} decides it; {said['claimed_by'] or 'nobody'} works on it.")
    return notes or ["It is done."]


def pauses() -> list[tuple[int, str]]:
    """How long a pause may be, in seconds and in words."""
    return [(seconds, span(seconds)) for seconds in PAUSES]


def _label(saga: dict[str, Any], wish: Wish) -> str:
    known = [
        each["label"]
        for each in saga.get("actions", ())
        if each["action"] == wish.action and (not wish.step or each.get("step") == wish.step)
    ]
    return str(known[0]) if known else wish.action.capitalize()


def _who_waits(service: dict[str, Any]) -> list[str]:
    handled = service.get("handles") or ()
    if not handled:
        return []
    names = ", ".join(name(each) for each in handled)
    return [f"Orders that need it ({names}) wait, and are sent to it again."]


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise
