"""How a carrier is chosen before any has the parcel: all are asked at once what they want for it.

Whoever states no wish goes with the first that serves the country, and nobody is asked. A carrier
that refuses, is down or does not answer in time is passed over: a quote has no effect.
"""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import aiohttp

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import ContactId, OrderId
from participants.shipping.carrier import NOWHERE, addressed, said
from participants.shipping.chooses import Carrier, Quote, chosen, serving

QUOTE_SECONDS, QUOTE_LEAST_SECONDS = 2.0, 1.0


@dataclass(frozen=True, kw_only=True)
class ChooseCarrier(Intent):
    """Choose one of these carriers, which are ordered by rank; `speed` is what was wished for."""

    deadline_seconds: ClassVar[float] = 5.0
    order_id: OrderId
    parcel: int = 0
    contact_id: ContactId
    speed: str
    carriers: tuple[Carrier, ...]


async def choose(intent: ChooseCarrier, outside: Outside) -> Outcome:
    """The carrier and the quotes; refused when certainly none of them takes the parcel."""
    contact = await outside.contacts.get(intent.contact_id)
    if not addressed(contact):
        return NOWHERE
    able = serving(intent.carriers, contact.country)
    if not able:
        return Refused(reason=f"no carrier serves {contact.country}")
    if not intent.speed:
        return Done(data={"carrier": able[0].id, "quotes": []})
    told = await asyncio.gather(*(_quoted(each, contact.country, outside) for each in able))
    return _best(intent.speed, dict(zip((carrier.id for carrier in able), told, strict=True)))


def _best(speed: str, told: dict[str, Quote | Refused | Unsure]) -> Outcome:
    quotes = [answer for answer in told.values() if isinstance(answer, Quote)]
    best = chosen(quotes, speed)
    if best:
        return Done(data={"carrier": best.carrier, "quotes": [asdict(quote) for quote in quotes]})
    others = {name: answer for name, answer in told.items() if not isinstance(answer, Quote)}
    reason = "; ".join(f"{name}: {answer.reason}" for name, answer in others.items())
    unsure = any(isinstance(answer, Unsure) for answer in others.values())
    return Unsure(reason=reason) if unsure else Refused(reason=reason)


async def _quoted(carrier: Carrier, country: str, outside: Outside) -> Quote | Refused | Unsure:
    try:
        return await said(_asked(carrier, country, outside))
    except TimeoutError:
        return Unsure(reason="no quote in time")
    except aiohttp.ClientConnectorError:
        return Unsure(reason="it cannot be reached")


async def _asked(carrier: Carrier, country: str, outside: Outside) -> Quote | Refused | Unsure:
    url = f"{outside.settings.carrier_url}/{carrier.path}/rates"
    limit = outside.settings.wait(QUOTE_SECONDS, least=QUOTE_LEAST_SECONDS).total_seconds()
    timeout = aiohttp.ClientTimeout(total=limit)
    async with outside.http.get(url, params={"country": country}, timeout=timeout) as answer:
        if answer.status == 200:
            return _cheapest(carrier, await answer.json())
        if answer.status == 422:
            return Refused(reason=str((await answer.json()).get("error", answer.status)))
        return Unsure(reason=f"it answered {answer.status}")


def _cheapest(carrier: Carrier, rates: list[dict[str, Any]]) -> Quote | Refused:
    """The carrier's own cheapest service, for that is what it competes with."""
    offers = [
        Quote(
            carrier=carrier.id,
            amount=int(rate["amount"]),
            currency=str(rate["currency"]),
            days=int(rate["days"]),
        )
        for rate in rates
    ]
    return chosen(offers, "") or Refused(reason="it offers nothing")
