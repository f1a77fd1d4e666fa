"""How the payment provider is spoken to: Stripe's API v1, through its own package.

Nothing here holds a transaction. A lost answer is `Unsure`, never a refusal. A create is repeated
under the key first used, for as long as the provider remembers keys. After a 5xx, which it replays
under that key, the effect is looked for by the order's id; that it is not found is believed only
after a while. Capture and cancel need no such care: they name one payment intent, which can be
captured or cancelled once, and it can be read how it stands. So can one the customer is asked to
authenticate: its create would for ever be answered as it was at first.
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
ACTION = "requires_action"
TYPES = {"card": ["card"], "wallet": ["link"]}
CLIENTS = 8
MARK = "parcel_"  # in the metadata of a payment intent: what each parcel took of it
SEVERAL = {"card": {"request_multicapture": "if_available"}}


@dataclass(frozen=True, kw_only=True)
class Hold(Intent):
    """Hold the amount on the card or wallet; `key` is the one first used for this attempt.

    Where the provider's id is known (`reference`), read how it stands. `alone`: the customer is not
    there to authenticate, so that a card which asks for it is declined.
    """

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    amount: int
    currency: str
    token: str
    asked_at: datetime
    method: str = "card"
    reference: str = ""
    alone: bool = False


@dataclass(frozen=True, kw_only=True)
class LetGo(Hold):
    """Let go of what is held; where the provider's id is not known, learn it first. `return_id` is
    the refund that follows when the money turns out to be taken. `in_parts`: parcels may have taken
    parts, so that only the rest is let go of."""

    return_id: str = ""
    in_parts: bool = False


@dataclass(frozen=True, kw_only=True)
class Take(Intent):
    """Take what is held, or a part of it; `hold_key` is the key of the hold."""

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    amount: int
    reference: str
    hold_key: str


async def hold(intent: Hold, outside: Outside) -> Outcome:
    """Create and confirm a payment intent that is captured later, or read the one there is."""
    client = client_of(outside)
    if intent.reference:
        return await read(
            lambda: client.v1.payment_intents.retrieve_async(intent.reference), held_as
        )
    if datetime.now(UTC) - intent.asked_at > KEY_LIVES:
        return await _found(client, intent, "too old to ask again")
    try:
        options: Any = {"idempotency_key": intent.key}
        created = await client.v1.payment_intents.create_async(_wanted(intent, outside), options)
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
    return held_as(created)


async def let_go(intent: LetGo, outside: Outside) -> Outcome:
    """Cancel the payment intent; a card that was refused has nothing to let go of."""
    reference = intent.reference
    if not reference:
        learned = await hold(intent, outside)
        if not isinstance(learned, Done):
            return Done() if isinstance(learned, Refused) else learned
        reference = learned.data["reference"]
    intents = client_of(outside).v1.payment_intents
    if intent.in_parts:
        return await _close(intents, reference)
    try:
        return _gone(await intents.cancel_async(reference))
    except (stripe.APIConnectionError, stripe.InvalidRequestError, stripe.APIError):
        return await read(lambda: intents.retrieve_async(reference), _gone)


async def _close(intents: Any, reference: str) -> Outcome:
    """Let go of the rest: a final capture of nothing, or, where nothing was captured, a cancel."""
    try:
        now = await intents.retrieve_async(reference)
        if now.status == HELD and now.amount_received:
            nothing: Any = {"amount_to_capture": 0, "final_capture": True}
            now = await intents.capture_async(reference, nothing)
        elif now.status in (HELD, UNDER_WAY, ACTION):
            now = await intents.cancel_async(reference)
        return _closed(now)
    except (stripe.APIConnectionError, stripe.InvalidRequestError, stripe.APIError):
        return await read(lambda: intents.retrieve_async(reference), _closed)


async def take(intent: Take, outside: Outside) -> Outcome:
    """Capture the payment intent."""
    intents = client_of(outside).v1.payment_intents
    params: Any = {"amount_to_capture": intent.amount}
    options: Any = {"idempotency_key": intent.key}
    try:
        return taken_as(await intents.capture_async(intent.reference, params, options))
    except stripe.InvalidRequestError as error:
        refused = Refused(reason=str(error), code=str(error.code))
        return await read(lambda: intents.retrieve_async(intent.reference), taken_as, refused)
    except (stripe.APIConnectionError, stripe.APIError):
        return await read(lambda: intents.retrieve_async(intent.reference), taken_as)


def client_of(outside: Outside) -> stripe.StripeClient:
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


def _wanted(intent: Hold, outside: Outside) -> Any:
    there = {"return_url": outside.settings.payment_return_url}
    return {
        "amount": intent.amount,
        "currency": intent.currency.lower(),
        "payment_method": intent.token,
        "payment_method_types": TYPES[intent.method],
        "capture_method": "manual",
        "payment_method_options": SEVERAL if intent.method == "card" else {},
        "confirm": True,
        **({"error_on_requires_action": True} if intent.alone else there),
        "metadata": {"order_id": intent.order_id, "key": intent.key},
    }


async def _found(client: stripe.StripeClient, intent: Hold, because: str) -> Outcome:
    """Look for the order's hold where repeating the call cannot tell."""
    query = f"metadata['order_id']:'{intent.order_id}'"
    try:
        found = await client.v1.payment_intents.search_async({"query": query})
    except (stripe.APIConnectionError, stripe.APIError) as error:
        return Unsure(reason=f"{because}; nor can it be looked for: {error}")
    for one in found.data:
        mine = getattr(one.metadata, "key", intent.key) == intent.key
        if mine and one.status in (HELD, TAKEN, UNDER_WAY, ACTION):
            return held_as(one)
    if datetime.now(UTC) - intent.asked_at > NOT_FOUND_BELIEVED_AFTER:
        return Refused(reason=f"the provider has no such charge ({because})", code="not_found")
    return Unsure(reason=f"the provider failed, and does not show the charge yet ({because})")


async def read(
    retrieve: Callable[[], Awaitable[Any]],
    verdict: Callable[[Any], Outcome],
    otherwise: Outcome | None = None,
) -> Outcome:
    """How the payment intent stands; `otherwise` is what an undecided status means here."""
    try:
        outcome = verdict(await retrieve())
    except (stripe.APIConnectionError, stripe.APIError) as error:
        return Unsure(reason=f"no answer from the provider: {error}")
    return otherwise if otherwise and isinstance(outcome, Unsure) else outcome


def held_as(intent: Any) -> Outcome:
    """Is the amount held? With `action`, where the customer must go before it is."""
    if intent.status in (HELD, TAKEN):
        return Done(data={"reference": intent.id})
    if intent.status == ACTION:
        url = _url(intent)
        return Done(data={"reference": intent.id, "action": url}) if url else _undecided(intent)
    return _undecided(intent) if intent.status == UNDER_WAY else refused_as(intent)


def _gone(intent: Any) -> Outcome:
    if intent.status == TAKEN:
        return refused_as(intent)
    held = intent.status in (HELD, UNDER_WAY, ACTION)
    return _undecided(intent) if held else Done(data={"reference": intent.id})


def _closed(intent: Any) -> Outcome:
    held = intent.status in (HELD, UNDER_WAY, ACTION)
    told = {"reference": intent.id, "parts": marks_of(intent)}
    return _undecided(intent) if held else Done(data=told)


def marks_of(intent: Any) -> dict[str, int]:
    """What each parcel took of a payment intent, by its number."""
    marked = intent.metadata.to_dict() if intent.metadata else {}
    return {n.removeprefix(MARK): int(v) for n, v in marked.items() if n.startswith(MARK)}


def taken_as(intent: Any) -> Outcome:
    """Is the amount taken, and how much of it?"""
    if intent.status == TAKEN:
        return Done(data={"reference": intent.id, "amount": intent.amount_received})
    return _undecided(intent) if intent.status in (HELD, UNDER_WAY) else refused_as(intent)


def _url(intent: Any) -> str:
    action = intent.next_action
    told = getattr(action, "redirect_to_url", None) if action else None
    return str(told.url) if told else ""


def refused_as(intent: Any) -> Refused:
    """Not held or not taken, in the words of the last error where there is one."""
    error = getattr(intent, "last_payment_error", None)
    if error and intent.status != GONE:
        code = getattr(error, "code", None) or intent.status
        return Refused(reason=str(getattr(error, "message", None) or code), code=str(code))
    return Refused(reason=f"the provider's status is {intent.status}", code=intent.status)


def _undecided(intent: Any) -> Unsure:
    return Unsure(reason=f"the provider's status is still {intent.status}")
