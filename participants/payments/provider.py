"""How the payment provider is spoken to: Stripe's API v1, through its own package.

Nothing here holds a transaction. A lost answer is `Unsure`, never a refusal. A create is repeated
under the key first used, for as long as the provider remembers keys. After a 5xx, which it replays
under that key, the effect is looked for by the order's id; that it is not found is believed only
after a while. Capture and cancel need no such care: they name one payment intent, which can be
captured or cancelled once, and it can be read how it stands.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

import aiohttp
import stripe

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import OrderId

# https://docs.stripe.com/search#data-freshness: searchable in less than a minute.
NOT_FOUND_BELIEVED_AFTER = timedelta(seconds=60)
# https://docs.stripe.com/api/idempotent_requests: keys are kept for at least 24 hours.
KEY_LIVES = timedelta(hours=20)
HELD, TAKEN, GONE, UNDER_WAY = "requires_capture", "succeeded", "canceled", "processing"
CLIENTS = 8


@dataclass(frozen=True, kw_only=True)
class Hold(Intent):
    """Hold the amount on the card; `key` is the one first used for this order."""

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    amount: int
    currency: str
    token: str
    asked_at: datetime


@dataclass(frozen=True, kw_only=True)
class LetGo(Hold):
    """Let go of what is held; where the provider's id is not known, learn it first."""

    reference: str


@dataclass(frozen=True, kw_only=True)
class Take(Intent):
    """Take what is held, or a part of it."""

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    amount: int
    reference: str


async def hold(intent: Hold, outside: Outside) -> Outcome:
    """Create and confirm a payment intent that is captured later."""
    client = _client(outside)
    if datetime.now(UTC) - intent.asked_at > KEY_LIVES:
        return await _found(client, intent, "too old to ask again")
    try:
        options: Any = {"idempotency_key": intent.key}
        created = await client.v1.payment_intents.create_async(_wanted(intent), options)
    except stripe.CardError as error:
        return Refused(reason=str(error.user_message or error), code=str(error.code))
    except (stripe.APIConnectionError, stripe.IdempotencyError) as error:
        return Unsure(reason=f"no answer from the provider: {error}")
    except stripe.InvalidRequestError as error:
        return Refused(reason=str(error), code=str(error.code))
    except stripe.APIError as error:
        if error.http_status == 409:
            return Unsure(reason="the same call is under way")
        return await _found(client, intent, str(error))
    return _held(created)


async def let_go(intent: LetGo, outside: Outside) -> Outcome:
    """Cancel the payment intent; a card that was refused has nothing to let go of."""
    reference = intent.reference
    if not reference:
        learned = await hold(intent, outside)
        if not isinstance(learned, Done):
            return Done() if isinstance(learned, Refused) else learned
        reference = learned.data["reference"]
    intents = _client(outside).v1.payment_intents
    try:
        return _gone(await intents.cancel_async(reference))
    except (stripe.APIConnectionError, stripe.InvalidRequestError, stripe.APIError):
        return await _read(lambda: intents.retrieve_async(reference), _gone)


async def take(intent: Take, outside: Outside) -> Outcome:
    """Capture the payment intent."""
    intents = _client(outside).v1.payment_intents
    params: Any = {"amount_to_capture": intent.amount}
    options: Any = {"idempotency_key": intent.key}
    try:
        return _taken(await intents.capture_async(intent.reference, params, options))
    except stripe.InvalidRequestError as error:
        refused = Refused(reason=str(error), code=str(error.code))
        return await _read(lambda: intents.retrieve_async(intent.reference), _taken, refused)
    except (stripe.APIConnectionError, stripe.APIError):
        return await _read(lambda: intents.retrieve_async(intent.reference), _taken)


def _client(outside: Outside) -> stripe.StripeClient:
    """The client on this event loop's connections: they cannot serve another, and end with it."""
    key = outside.settings.payment_key.get_secret_value()
    return _made(outside.http, outside.settings.payment_url, key)


@lru_cache(maxsize=CLIENTS)
def _made(http: aiohttp.ClientSession, url: str, key: str) -> stripe.StripeClient:
    addresses: Any = {"api": url}
    client = stripe.AIOHTTPClient(session=http)
    return stripe.StripeClient(
        key, base_addresses=addresses, http_client=client, max_network_retries=0
    )


def _wanted(intent: Hold) -> Any:
    return {
        "amount": intent.amount,
        "currency": intent.currency.lower(),
        "payment_method": intent.token,
        "payment_method_types": ["card"],
        "capture_method": "manual",
        "confirm": True,
        "error_on_requires_action": True,
        "metadata": {"order_id": intent.order_id},
    }


async def _found(client: stripe.StripeClient, intent: Hold, because: str) -> Outcome:
    """Look for the order's hold where repeating the call cannot tell."""
    query = f"metadata['order_id']:'{intent.order_id}'"
    try:
        found = await client.v1.payment_intents.search_async({"query": query})
    except (stripe.APIConnectionError, stripe.APIError) as error:
        return Unsure(reason=f"{because}; nor can it be looked for: {error}")
    for one in found.data:
        if one.status in (HELD, TAKEN, UNDER_WAY):
            return _held(one)
    if datetime.now(UTC) - intent.asked_at > NOT_FOUND_BELIEVED_AFTER:
        return Refused(reason=f"the provider has no such charge ({because})", code="not_found")
    return Unsure(reason=f"the provider failed, and does not show the charge yet ({because})")


async def _read(
    read: Callable[[], Awaitable[Any]],
    verdict: Callable[[Any], Outcome],
    otherwise: Outcome | None = None,
) -> Outcome:
    """How the payment intent stands; `otherwise` is what an undecided status means here."""
    try:
        outcome = verdict(await read())
    except (stripe.APIConnectionError, stripe.APIError) as error:
        return Unsure(reason=f"no answer from the provider: {error}")
    return otherwise if otherwise and isinstance(outcome, Unsure) else outcome


def _held(intent: Any) -> Outcome:
    if intent.status in (HELD, TAKEN):
        return Done(data={"reference": intent.id})
    return _undecided(intent) if intent.status == UNDER_WAY else _refused(intent)


def _gone(intent: Any) -> Outcome:
    if intent.status == TAKEN:
        return _refused(intent)
    held = intent.status in (HELD, UNDER_WAY)
    return _undecided(intent) if held else Done(data={"reference": intent.id})


def _taken(intent: Any) -> Outcome:
    if intent.status == TAKEN:
        return Done(data={"reference": intent.id, "amount": intent.amount_received})
    return _undecided(intent) if intent.status in (HELD, UNDER_WAY) else _refused(intent)


def _refused(intent: Any) -> Refused:
    return Refused(reason=f"the provider's status is {intent.status}", code=intent.status)


def _undecided(intent: Any) -> Unsure:
    return Unsure(reason=f"the provider's status is still {intent.status}")
