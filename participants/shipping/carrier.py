"""How a carrier is spoken to: over HTTP, under an idempotency key, and looking before repeating.

A lost answer is `Unsure`, never a refusal. Whoever asks again looks first whether the parcel is
there already, by its reference, for a carrier may forget its keys sooner than its parcels.

That a carrier cannot be reached says nothing about an earlier call. Only where this is certainly
the first one, nothing was sent, and another carrier may be asked. It is certain for a short time
after the hand-over was wanted: nobody else takes an intent up before its lease has run out.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from secrets import token_hex
from time import monotonic
from typing import Any, ClassVar, TypeVar

import aiohttp

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import ContactId, OrderId
from contracts.runtime.contacts import Contact

T = TypeVar("T")
BUSY = (408, 409, 425, 429)
AWAY, NO_ADDRESS = "away", "no_address"
# Long after every call of ours has ended, a parcel that is not there will not come.
NOT_FOUND_BELIEVED_AFTER = timedelta(seconds=60)
LOOKS_MOST, LOOK_AGAIN_SECONDS = 20, 0.25
NOWHERE = Refused(reason="there is no address any more", code=NO_ADDRESS)


@dataclass(frozen=True, kw_only=True)
class HandOver(Intent):
    """Hand the parcel of an order to this carrier; `again` when it may have it already. `wanted`
    says when this was (see `stamp`)."""

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    parcel: int = 0
    contact_id: ContactId
    carrier: str
    path: str
    again: bool
    wanted: str


@dataclass(frozen=True, kw_only=True)
class LookUp(Intent):
    """Look whether the carrier has the parcel, without handing it over.

    `unanswered_at` is when the last hand-over ended; None while one is under way.
    """

    deadline_seconds: ClassVar[float] = 5.0
    order_id: OrderId
    parcel: int = 0
    carrier: str
    path: str
    unanswered_at: datetime | None


async def hand_over(intent: HandOver, outside: Outside) -> Outcome:
    """Post the shipment, unless it is there; a 4xx is a refusal, a lost answer leaves all open."""
    if intent.again and (known := await said(_found(intent, outside))):
        return known
    contact = await outside.contacts.get(intent.contact_id)
    if not addressed(contact):
        return await said(_found(intent, outside)) or NOWHERE
    try:
        return await said(_shipped(intent, contact, outside))
    except aiohttp.ClientConnectorError:
        if intent.again or not _first(intent, outside):
            raise  # try again under the same key
        return Refused(reason="the carrier cannot be reached", code=AWAY)


async def look_up(intent: LookUp, outside: Outside) -> Outcome:
    """Whether the parcel is there. While a hand-over is under way, look until it is, or give up;
    that it is not there is believed only long after the last one."""
    for _ in range(LOOKS_MOST):
        if found := await said(_found(intent, outside)):
            return found
        if intent.unanswered_at:
            return _not_there(intent.unanswered_at)
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return Unsure(reason="the carrier is being asked to take the parcel")


async def said(call: Awaitable[T]) -> T | Unsure:
    """What the carrier said, if it could be understood."""
    try:
        return await call
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent by this call
    except (aiohttp.ClientError, ValueError, KeyError, TypeError) as error:
        return Unsure(reason=f"no answer from the carrier: {type(error).__name__} {error}")


def addressed(contact: Contact) -> bool:
    """Whether there is somewhere to send a parcel to."""
    return bool(contact.line1 or contact.city or contact.postcode)


def long_ago(unanswered_at: datetime) -> bool:
    """Whether a parcel that is not there will not come of that call any more."""
    return datetime.now(UTC) - unanswered_at > NOT_FOUND_BELIEVED_AFTER


def reference(order_id: OrderId, parcel: int) -> str:
    """By what the carrier knows the parcel."""
    return f"{order_id}/{parcel}" if parcel else order_id


def stamp() -> str:
    """This moment, as only this process (and what it was forked from) can read it."""
    return f"{_process()} {monotonic():.3f}"


@cache
def _process() -> str:
    return token_hex(8)


def _first(intent: HandOver, outside: Outside) -> bool:
    """Whether nobody can have performed this before: the lease of an intent is four times that."""
    process, at = intent.wanted.split()
    young = monotonic() - float(at) < outside.settings.publish_seconds / 2
    return young and process == _process()


def _not_there(unanswered_at: datetime) -> Outcome:
    if long_ago(unanswered_at):
        return Refused(reason="the carrier has no such parcel")
    return Unsure(reason="the carrier has no such parcel yet, but has left a call unanswered")


async def _shipped(intent: HandOver, contact: Contact, outside: Outside) -> Outcome:
    headers = {"Idempotency-Key": intent.key}
    url, parcel = _shipments(intent, outside), _parcel(intent, contact)
    async with outside.http.post(url, json=parcel, headers=headers) as answer:
        if answer.status >= 500 or answer.status in BUSY:
            return Unsure(reason=f"the carrier answered {answer.status}")
        body = await answer.json()
        if answer.status >= 400:
            return Refused(reason=str(body.get("error", answer.status)))
        return Done(data={"tracking": body["tracking"]})


async def _found(intent: HandOver | LookUp, outside: Outside) -> Outcome | None:
    """The parcel the carrier has already, None when it has none."""
    url, wanted = (
        _shipments(intent, outside),
        {"reference": reference(intent.order_id, intent.parcel)},
    )
    async with outside.http.get(url, params=wanted) as answer:
        if answer.status != 200:
            return Unsure(reason=f"the carrier answered {answer.status} when asked for the parcel")
        for shipment in await answer.json():
            return Done(data={"tracking": shipment["tracking"]})
    return None


def _parcel(intent: HandOver, contact: Contact) -> dict[str, Any]:
    return {
        "reference": reference(intent.order_id, intent.parcel),
        "name": contact.name,
        "line1": contact.line1,
        "city": contact.city,
        "postcode": contact.postcode,
        "country": contact.country,
        "parcels": 1,
    }


def _shipments(intent: HandOver | LookUp, outside: Outside) -> str:
    return f"{outside.settings.carrier_url}/{intent.path}/shipments"
