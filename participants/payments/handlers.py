"""START HERE: what payments does on each command.

Each command prepares an intent, which is performed outside any transaction (`provider`) and whose
outcome is recorded in one of its own (`recording`). A void that comes first, or while a hold is
under way, leaves its mark in the state; whoever records the hold later obeys it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentStatusUnknown,
    PaymentVoided,
    QueryPayment,
    VoidPayment,
)
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.payments import answers, provider, recording
from participants.payments.answers import ASKING, GONE, HELD, LETTING_GO, REFUSED, TAKEN, TAKING
from participants.payments.provider import Hold, LetGo, Take
from participants.payments.tables import Payment

payments = Service("payments")


def _payments(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Payment, {message.order_id for message in messages}),)


@payments.handles(AuthorizePayment, loads=_payments)
def authorize(
    command: AuthorizePayment, session: BatchSession
) -> PaymentAuthorized | PaymentFailed | PaymentStatusUnknown | Hold | LetGo:
    """Ask the provider for a hold, unless it was let go of before."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        payment = _new(command.order_id, REFUSED)
        session.add(payment)
    if payment.state == REFUSED:
        _ask(payment, command, _key(session))
    if payment.state == LETTING_GO:
        return recording.letting_go(payment)
    return recording.holding(payment) if payment.state == ASKING else answers.of_hold(payment)


@payments.handles(VoidPayment, loads=_payments)
def void(
    command: VoidPayment, session: BatchSession
) -> PaymentVoided | PaymentStatusUnknown | LetGo:
    """Let go of the hold; where there is none yet, make sure that none will be."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        payment = _new(command.order_id, REFUSED)
        session.add(payment)
    if payment.state == REFUSED:
        recording.gone(payment)
    if payment.state in (GONE, TAKING, TAKEN):
        return answers.of_void(payment)
    payment.state = LETTING_GO
    return recording.letting_go(payment)


@payments.handles(CapturePayment, loads=_payments)
def capture(
    command: CapturePayment, session: BatchSession
) -> PaymentCaptured | PaymentFailed | PaymentStatusUnknown | Take:
    """Take what is held, or a part of it."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        return _nothing_to_take(command)
    if payment.state == HELD and not _covers(payment, command):
        reason = f"{command.amount} is not within what is held"
        return PaymentFailed(order_id=command.order_id, code="amount_not_held", reason=reason)
    if payment.state == HELD:
        payment.state, payment.capture_key = TAKING, _key(session)
        payment.taken = command.amount.amount
    return _take(payment) if payment.state == TAKING else answers.of_capture(payment)


@payments.handles(QueryPayment, loads=_payments)
def query(
    command: QueryPayment, session: BatchSession
) -> (
    PaymentAuthorized
    | PaymentFailed
    | PaymentVoided
    | PaymentCaptured
    | PaymentStatusUnknown
    | Hold
    | LetGo
    | Take
):
    """What came of the last call; while it is in doubt, that call again.

    A hold is asked for again under its first key. A capture takes a new one, for the provider
    replays a 5xx under the old one, and a payment intent can be captured but once.
    """
    payment = session.get(Payment, command.order_id)
    if payment is None:
        return PaymentStatusUnknown(order_id=command.order_id, reason="no payment is known")
    if payment.state == TAKING:
        payment.capture_key = _key(session)
        return _take(payment)
    if payment.state == LETTING_GO:
        return recording.letting_go(payment)
    return recording.holding(payment) if payment.state == ASKING else answers.of_all(payment)


payments.performs(Hold, record=recording.hold, loads=_payments)(provider.hold)
payments.performs(LetGo, record=recording.let_go, loads=_payments)(provider.let_go)
payments.performs(Take, record=recording.take, loads=_payments)(provider.take)


def _new(order_id: OrderId, state: str) -> Payment:
    return Payment(
        order_id=order_id,
        state=state,
        amount=0,
        taken=0,
        currency="",
        token="",
        create_key="",
        capture_key="",
        reference="",
        code="",
        reason="",
        asked_at=datetime.now(UTC),
        held=False,
    )


def _ask(payment: Payment, command: AuthorizePayment, key: str) -> None:
    """Begin to ask for a hold; after a refusal this is a new charge, under a new key."""
    payment.state, payment.create_key, payment.token = ASKING, key, command.token
    payment.amount, payment.currency = command.amount.amount, command.amount.currency
    payment.code = payment.reason = ""
    payment.asked_at = datetime.now(UTC)


def _take(payment: Payment) -> Take:
    return Take(
        key=payment.capture_key,
        order_id=OrderId(payment.order_id),
        amount=payment.taken,
        reference=payment.reference,
    )


def _covers(payment: Payment, command: CapturePayment) -> bool:
    fits = 0 < command.amount.amount <= payment.amount
    return fits and command.amount.currency == payment.currency


def _nothing_to_take(command: CapturePayment) -> PaymentFailed:
    reason = "no payment is known"
    return PaymentFailed(order_id=command.order_id, code="not_held", reason=reason)


def _key(session: BatchSession) -> str:
    return str(session.info["envelope"].id)
