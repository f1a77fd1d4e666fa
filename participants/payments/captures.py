"""How the provider is asked to take a part of what is held: once for each parcel of an order.

Stripe captures one payment intent several times (https://docs.stripe.com/payments/multicapture).
Each capture leaves its mark in the intent's metadata with the same call, so that whether it was
made can be read from the intent whatever became of the answer. A lost answer is asked for again
under the same key; that the mark is not there is believed only after a while.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import stripe

from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Unsure
from contracts.messages.values import OrderId
from participants.payments.provider import (
    HELD,
    KEY_LIVES,
    MARK,
    NOT_FOUND_BELIEVED_AFTER,
    UNDER_WAY,
    client_of,
    marks_of,
    read,
    refused_as,
)

NOT_FOUND = "not_found"


@dataclass(frozen=True, kw_only=True)
class TakePart(Intent):
    """Take the part of this parcel; `look`: only find out whether it was taken."""

    deadline_seconds: ClassVar[float] = 3.0
    order_id: OrderId
    parcel: int
    amount: int
    reference: str
    asked_at: datetime
    look: bool = False


async def take_part(intent: TakePart, outside: Outside) -> Outcome:
    """Capture the part and leave the rest held, or find out whether it was."""
    intents = client_of(outside).v1.payment_intents
    params: Any = {
        "amount_to_capture": intent.amount,
        "final_capture": False,
        "metadata": {f"{MARK}{intent.parcel}": str(intent.amount)},
    }
    options: Any = {"idempotency_key": intent.key}
    refused = None
    try:
        if not intent.look and _age(intent) < KEY_LIVES:
            done = await intents.capture_async(intent.reference, params, options)
            return _taken_as(intent, done)
    except stripe.InvalidRequestError as error:
        refused = Refused(reason=str(error), code=str(error.code))
    except (stripe.APIConnectionError, stripe.IdempotencyError, stripe.APIError):
        pass  # whether it was taken can be read
    return await read(
        lambda: intents.retrieve_async(intent.reference),
        lambda found: _taken_as(intent, found),
        refused,
    )


def _taken_as(intent: TakePart, found: Any) -> Outcome:
    """Is the part taken?"""
    if str(intent.parcel) in marks_of(found):
        return Done(data={"reference": found.id, "amount": intent.amount})
    if found.status not in (HELD, UNDER_WAY):
        return refused_as(found)
    if _age(intent) > NOT_FOUND_BELIEVED_AFTER:
        return Refused(reason="the provider took no such part", code=NOT_FOUND)
    return Unsure(reason="the provider does not show that part yet")


def _age(intent: TakePart) -> timedelta:
    return datetime.now(UTC) - intent.asked_at
