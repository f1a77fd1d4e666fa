"""START HERE: what payments does on each command.

Each command prepares an intent, which is performed outside any transaction (`provider`) and whose
outcome is recorded here. A void that comes first, or while a hold is under way, leaves its mark in
the state; whoever records the hold later obeys it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from contracts.delivery.service import Answer, Done, Outcome, Refused, Rows, Service
from contracts.messages.base import Command
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
from participants.payments import answers, provider
from participants.payments.answers import ASKING, GONE, HELD, LETTING_GO, REFUSED, TAKEN, TAKING
from participants.payments.ledger import post
from participants.payments.provider import Hold, LetGo, Take
from participants.payments.tables import Payment

payments = Service("payments")


def _payments(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Payment, {message.order_id for message in messages}),)


@payments.handles(AuthorizePayment, loads=_payments)
def authorize(
    command: AuthorizePayment, session: Session
) -> PaymentAuthorized | PaymentFailed | PaymentStatusUnknown | Hold:
    """Ask the provider for a hold, unless it was let go of before."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        payment = _new(command.order_id, ASKING, command, _key(session))
        session.add(payment)
    if payment.state == REFUSED:
        payment.state, payment.create_key = ASKING, _key(session)
        payment.token, payment.asked_at = command.token, datetime.now(UTC)
    if payment.state == ASKING:
        return _hold(payment)
    gone = payment.state in (LETTING_GO, GONE)
    return answers.failed(payment) if gone else answers.authorized(payment)


@payments.handles(VoidPayment, loads=_payments)
def void(command: VoidPayment, session: Session) -> PaymentVoided | PaymentStatusUnknown | LetGo:
    """Let go of the hold; where there is none yet, make sure that none will be."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        session.add(_new(command.order_id, GONE))
        return PaymentVoided(order_id=command.order_id)
    if payment.state in (TAKING, TAKEN):
        return answers.unknown(payment, "the money is taken, or being taken; this takes a refund")
    if payment.state in (REFUSED, GONE):
        payment.state = GONE
        return PaymentVoided(order_id=command.order_id)
    payment.state = LETTING_GO
    return _let_go(payment)


@payments.handles(CapturePayment, loads=_payments)
def capture(
    command: CapturePayment, session: Session
) -> PaymentCaptured | PaymentFailed | PaymentStatusUnknown | Take:
    """Take what is held."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        reason = "nothing is held"
        return PaymentFailed(order_id=command.order_id, code="not_held", reason=reason)
    if payment.state == HELD:
        payment.state, payment.capture_key = TAKING, _key(session)
    if payment.state == TAKING:
        return _take(payment)
    return answers.captured(payment) if payment.state == TAKEN else answers.failed(payment)


@payments.handles(QueryPayment, loads=_payments)
def query(
    command: QueryPayment, session: Session
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
    """What came of the last call; while it is in doubt, the same call again under the same key."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        return PaymentStatusUnknown(order_id=command.order_id, reason="no payment is known")
    if payment.state == ASKING:
        return _hold(payment)
    if payment.state == LETTING_GO:
        return _let_go(payment)
    if payment.state == TAKING:
        return _take(payment)
    if payment.state == GONE:
        return answers.voided(payment)
    return answers.certain(payment)


def record_hold(intent: Hold, outcome: Outcome, session: Session) -> Answer:
    """The provider holds, refused, or did not say; a void that came meanwhile is obeyed."""
    payment = _payment(session, intent)
    if isinstance(outcome, Done) and payment.state == ASKING:
        payment.state, payment.reference = HELD, outcome.data["reference"]
        _held(session, payment)
    elif isinstance(outcome, Done) and payment.state == LETTING_GO:
        payment.reference = outcome.data["reference"]
        _held(session, payment)
        return _let_go(payment)
    elif isinstance(outcome, Refused) and payment.state in (ASKING, LETTING_GO):
        payment.state = REFUSED if payment.state == ASKING else GONE
        payment.code, payment.reason = outcome.code, outcome.reason
    return answers.standing(payment, outcome)


def record_let_go(intent: LetGo, outcome: Outcome, session: Session) -> Answer:
    """Nothing is held any more, or nobody can tell."""
    payment = _payment(session, intent)
    if isinstance(outcome, Done) and payment.state == LETTING_GO:
        if payment.held:
            post(session, payment, "release")
        payment.state = GONE
    if payment.state == GONE and isinstance(_asked(session), AuthorizePayment):
        return answers.failed(payment)
    if payment.state == GONE:
        return answers.voided(payment)
    return answers.unknown(payment, answers.why(outcome))


def record_take(intent: Take, outcome: Outcome, session: Session) -> Answer:
    """The money is taken, certainly not, or nobody can tell."""
    payment = _payment(session, intent)
    if isinstance(outcome, Done) and payment.state == TAKING:
        payment.state = TAKEN
        post(session, payment, "settle")
        post(session, payment, "capture")
    elif isinstance(outcome, Refused) and payment.state == TAKING:
        payment.state, payment.code, payment.reason = HELD, outcome.code, outcome.reason
        return answers.failed(payment)
    return answers.standing(payment, outcome)


payments.performs(Hold, record=record_hold, loads=_payments)(provider.hold)
payments.performs(LetGo, record=record_let_go, loads=_payments)(provider.let_go)
payments.performs(Take, record=record_take, loads=_payments)(provider.take)


def _new(
    order_id: OrderId, state: str, command: AuthorizePayment | None = None, key: str = ""
) -> Payment:
    return Payment(
        order_id=order_id,
        state=state,
        amount=command.amount.amount if command else 0,
        currency=command.amount.currency if command else "",
        token=command.token if command else "",
        create_key=key,
        capture_key="",
        reference="",
        code="" if command else "voided",
        reason="" if command else "voided before it was authorized",
        asked_at=datetime.now(UTC),
        held=False,
    )


def _hold(payment: Payment) -> Hold:
    return Hold(
        key=payment.create_key,
        order_id=OrderId(payment.order_id),
        amount=payment.amount,
        currency=payment.currency,
        token=payment.token,
        asked_at=payment.asked_at,
    )


def _let_go(payment: Payment) -> LetGo:
    return LetGo(**vars(_hold(payment)), reference=payment.reference)


def _take(payment: Payment) -> Take:
    return Take(
        key=payment.capture_key,
        order_id=OrderId(payment.order_id),
        amount=payment.amount,
        reference=payment.reference,
    )


def _payment(session: Session, intent: Hold | Take) -> Payment:
    payment = session.get(Payment, intent.order_id)
    assert payment, "an intent is stored with its payment"
    return payment


def _key(session: Session) -> str:
    return str(session.info["envelope"].id)


def _asked(session: Session) -> Command[Any]:
    message: Command[Any] = session.info["envelope"].message
    return message


def _held(session: Session, payment: Payment) -> None:
    if not payment.held:
        payment.held = True
        post(session, payment, "hold")
