"""How a carrier is spoken to: over HTTP, under an idempotency key, and looking before repeating.

A lost answer is `Unsure`, never a refusal. Whoever asks again looks first whether the parcel is
there already, by the order's id, for a carrier may forget its keys sooner than its parcels.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import aiohttp

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import ContactId, OrderId
from contracts.runtime.contacts import Contact

T = TypeVar("T")
CARRIER = "standard"
BUSY = (408, 409, 425, 429)


@dataclass(frozen=True, kw_only=True)
class HandOver(Intent):
    """Hand the parcel of an order to the carrier; `again` when it may have it already."""

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    contact_id: ContactId
    again: bool


async def hand_over(intent: HandOver, outside: Outside) -> Outcome:
    """Post the shipment, unless it is there; a 4xx is a refusal, a lost answer leaves all open."""
    if intent.again and (known := await _said(_found(intent, outside))):
        return known
    contact = await outside.contacts.get(intent.contact_id)
    if not (contact.line1 or contact.city or contact.postcode):
        return Refused(reason="there is no address any more")
    return await _said(_shipped(intent, contact, outside))


async def _said(call: Awaitable[T]) -> T | Unsure:
    """What the carrier said, if it could be understood."""
    try:
        return await call
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent: try again under the same key
    except (aiohttp.ClientError, ValueError, KeyError) as error:
        return Unsure(reason=f"no answer from the carrier: {type(error).__name__} {error}")


async def _shipped(intent: HandOver, contact: Contact, outside: Outside) -> Outcome:
    headers = {"Idempotency-Key": intent.key}
    url, parcel = _url(outside), _parcel(intent, contact)
    async with outside.http.post(url, json=parcel, headers=headers) as answer:
        if answer.status >= 500 or answer.status in BUSY:
            return Unsure(reason=f"the carrier answered {answer.status}")
        body = await answer.json()
        if answer.status >= 400:
            return Refused(reason=str(body.get("error", answer.status)))
        return Done(data={"tracking": body["tracking"]})


async def _found(intent: HandOver, outside: Outside) -> Outcome | None:
    """The parcel the carrier has already, None when it has none."""
    async with outside.http.get(_url(outside), params={"reference": intent.order_id}) as answer:
        if answer.status != 200:
            return Unsure(reason=f"the carrier answered {answer.status} when asked for the parcel")
        for shipment in await answer.json():
            return Done(data={"tracking": shipment["tracking"]})
    return None


def _parcel(intent: HandOver, contact: Contact) -> dict[str, Any]:
    return {
        "reference": intent.order_id,
        "name": contact.name,
        "line1": contact.line1,
        "city": contact.city,
        "postcode": contact.postcode,
        "country": contact.country,
        "parcels": 1,
    }


def _url(outside: Outside) -> str:
    return f"{outside.settings.carrier_url}/shipments"
