"""How a carrier is spoken to: one HTTP call, under an idempotency key."""

from dataclasses import dataclass
from typing import ClassVar

import aiohttp

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import ContactId, OrderId

CARRIER = "standard"


@dataclass(frozen=True, kw_only=True)
class HandOver(Intent):
    """Hand the parcel of an order to the carrier."""

    deadline_seconds: ClassVar[float] = 4.0
    order_id: OrderId
    contact_id: ContactId


async def hand_over(intent: HandOver, outside: Outside) -> Outcome:
    """Post the shipment; a 4xx is a refusal, a lost answer leaves everything open."""
    contact = await outside.contacts.get(intent.contact_id)
    parcel = {
        "reference": intent.order_id,
        "name": contact.name,
        "line1": contact.line1,
        "city": contact.city,
        "postcode": contact.postcode,
        "country": contact.country,
    }
    url = f"{outside.settings.carrier_url}/shipments"
    headers = {"Idempotency-Key": intent.key}
    try:
        async with outside.http.post(url, json=parcel, headers=headers) as answer:
            if answer.status >= 500 or answer.status in (408, 429):
                return Unsure(reason=f"the carrier answered {answer.status}")
            body = await answer.json()
            if answer.status >= 400:
                return Refused(reason=str(body.get("error", answer.status)))
            return Done(data={"tracking": body["tracking"]})
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent: try again under the same key
    except aiohttp.ClientError as error:
        return Unsure(reason=f"no answer from the carrier: {error}")
