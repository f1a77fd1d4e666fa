"""How the payment provider is spoken to: Stripe's API v1, through its own package.

Nothing here holds a transaction. A lost answer is `Unsure`, never a refusal; what is repeated is
repeated under the same idempotency key. After a 5xx, which the provider replays under that key, the
effect is looked for by the order's id; that it is not found is believed only after a while.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar

import stripe

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import OrderId
from contracts.runtime.settings import Settings

NOT_FOUND_BELIEVED_AFTER = timedelta(seconds=60)
HELD = "requires_capture"
TAKEN = "succeeded"
GONE = "canceled"


@dataclass(frozen=True, kw_only=True)
class Hold(Intent):
    """Hold the amount on the card; `key` is the one first used for this order."""

    deadline_seconds: ClassVar[float] = 4.0
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
    """Take what is held."""

    deadline_seconds: ClassVar[float] = 4.0
    order_id: OrderId
    amount: int
    reference: str


async def hold(intent: Hold, outside: Outside) -> Outcome:
    """Create and confirm a payment intent that is captured later."""
    client = _client(outside.settings)
    params: Any = {
        "amount": intent.amount,
        "currency": intent.currency.lower(),
        "payment_method": intent.token,
        "capture_method": "manual",
        "confirm": True,
        "metadata": {"order_id": intent.order_id},
    }
    try:
        options: Any = {"idempotency_key": intent.key}
        created = await client.v1.payment_intents.create_async(params, options)
    except stripe.CardError as error:
        return Refused(reason=str(error.user_message or error), code=str(error.code))
    except stripe.APIConnectionError as error:
        return Unsure(reason=f"no answer from the provider: {error}")
    except stripe.IdempotencyError as error:
        return Unsure(reason=f"the same call is under way: {error}")
    except stripe.InvalidRequestError as error:
        return Refused(reason=str(error), code=str(error.code))
    except stripe.APIError as error:
        return await _found(client, intent, str(error))
    return _outcome(created)


async def let_go(intent: LetGo, outside: Outside) -> Outcome:
    """Cancel the payment intent; a card that was refused has nothing to let go of."""
    reference = intent.reference
    if not reference:
        learned = await hold(intent, outside)
        if not isinstance(learned, Done):
            return Done() if isinstance(learned, Refused) else learned
        reference = learned.data["reference"]
    client = _client(outside.settings)
    options: Any = {"idempotency_key": f"{intent.key}.cancel"}
    try:
        return _outcome(await client.v1.payment_intents.cancel_async(reference, {}, options), GONE)
    except stripe.InvalidRequestError:
        return await _read(client, reference, GONE)
    except stripe.StripeError as error:
        return Unsure(reason=str(error))


async def take(intent: Take, outside: Outside) -> Outcome:
    """Capture the payment intent."""
    client = _client(outside.settings)
    params: Any = {"amount_to_capture": intent.amount}
    options: Any = {"idempotency_key": intent.key}
    try:
        captured = await client.v1.payment_intents.capture_async(intent.reference, params, options)
        return _outcome(captured, TAKEN)
    except stripe.InvalidRequestError:
        return await _read(client, intent.reference, TAKEN)
    except stripe.StripeError as error:
        return Unsure(reason=str(error))


@cache
def _client(settings: Settings) -> stripe.StripeClient:
    addresses: Any = {"api": settings.payment_url}
    return stripe.StripeClient(
        settings.payment_key.get_secret_value(),
        base_addresses=addresses,
        http_client=stripe.AIOHTTPClient(),
        max_network_retries=0,
    )


async def _found(client: stripe.StripeClient, intent: Hold, because: str) -> Outcome:
    query = f"metadata['order_id']:'{intent.order_id}'"
    try:
        found = await client.v1.payment_intents.search_async({"query": query})
    except stripe.StripeError as error:
        return Unsure(reason=str(error))
    for one in found.data:
        if one.status != GONE:
            return _outcome(one)
    if datetime.now(UTC) - intent.asked_at > NOT_FOUND_BELIEVED_AFTER:
        return Refused(reason=f"the provider has no such charge ({because})", code="not_found")
    return Unsure(reason=f"the provider failed, and does not show the charge yet ({because})")


async def _read(client: stripe.StripeClient, reference: str, wanted: str) -> Outcome:
    try:
        return _outcome(await client.v1.payment_intents.retrieve_async(reference), wanted)
    except stripe.StripeError as error:
        return Unsure(reason=str(error))


def _outcome(intent: Any, wanted: str = HELD) -> Outcome:
    if intent.status == wanted or (wanted == HELD and intent.status == TAKEN):
        return Done(data={"reference": intent.id})
    return Refused(reason=f"the provider's status is {intent.status}", code=intent.status)
