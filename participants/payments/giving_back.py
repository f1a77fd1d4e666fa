"""How the provider is asked to give money back: once for each refund of an order.

A lost answer is asked for again under the same key. After a 5xx, which the provider replays under
that key, and after its keys are forgotten, the refund is looked for among those of the charge, by
the id we gave it. A refund that is pending is read anew: its create would always say pending.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import stripe

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import OrderId
from participants.payments.provider import KEY_LIVES, NOT_FOUND_BELIEVED_AFTER, client_of

GIVEN, NOT_GIVEN = ("succeeded",), ("failed", "canceled")
FOUND_MOST = 100


@dataclass(frozen=True, kw_only=True)
class GiveBack(Intent):
    """Give back this amount of what the payment intent `reference` took."""

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    refund_id: str
    amount: int
    reference: str
    asked_at: datetime
    parcel: int = 0  # whose part it is, of several


async def give_back(intent: GiveBack, outside: Outside) -> Outcome:
    """Create the refund, or find out what became of it."""
    client = client_of(outside)
    if datetime.now(UTC) - intent.asked_at > KEY_LIVES:
        return await _found(client, intent, "too old to ask again")
    try:
        options: Any = {"idempotency_key": intent.key}
        created = await client.v1.refunds.create_async(_wanted(intent), options)
        if created.status not in (*GIVEN, *NOT_GIVEN):
            created = await client.v1.refunds.retrieve_async(created.id)
    except (stripe.APIConnectionError, stripe.IdempotencyError) as error:
        return Unsure(reason=f"no answer from the provider: {error}")
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        return Refused(reason=str(error.user_message or error), code=str(error.code))
    except stripe.APIError as error:
        if error.http_status == 409:
            return Unsure(reason="the same call is under way")
        return await _found(client, intent, str(error))
    return given_as(created)


def given_as(refund: Any) -> Outcome:
    """Is the money given back?"""
    if refund.status in GIVEN:
        return Done(data={"reference": refund.id})
    if refund.status in NOT_GIVEN:
        code = getattr(refund, "failure_reason", None) or refund.status
        return Refused(reason=f"the refund is {refund.status}: {code}", code=code)
    return Unsure(reason=f"the refund is still {refund.status}")


def _wanted(intent: GiveBack) -> Any:
    return {
        "payment_intent": intent.reference,
        "amount": intent.amount,
        "metadata": {
            "order_id": intent.order_id,
            "refund_id": intent.refund_id,
            "key": intent.key,
        },
    }


async def _found(client: stripe.StripeClient, intent: GiveBack, because: str) -> Outcome:
    """Look for the refund of this attempt where repeating the call cannot tell."""
    params: Any = {"payment_intent": intent.reference, "limit": FOUND_MOST}
    try:
        found = await client.v1.refunds.list_async(params)
    except (stripe.APIConnectionError, stripe.APIError) as error:
        return Unsure(reason=f"{because}; nor can it be looked for: {error}")
    for one in found.data:
        if getattr(one.metadata, "key", "") == intent.key:
            return given_as(one)
    if datetime.now(UTC) - intent.asked_at > NOT_FOUND_BELIEVED_AFTER:
        return Refused(reason=f"the provider has no such refund ({because})", code="not_found")
    return Unsure(reason=f"the provider failed, and does not show the refund yet ({because})")
