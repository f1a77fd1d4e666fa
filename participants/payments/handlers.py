"""START HERE: what payments does on each command.

Each command prepares an intent, which is performed outside any transaction (`provider`) and whose
outcome is recorded in one of its own (`recording`). A void or a return that comes first, or while a
hold is under way, leaves its mark in the payment; whoever records the hold later obeys it. What is
paid by invoice asks nobody outside, and takes the same path.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.payments import (
    ApproveRefund,
    AuthorizePayment,
    CapturePayment,
    PaymentClosed,
    PaymentFailed,
    PaymentStatusUnknown,
    QueryPayment,
    QueryRefund,
    RefundApproved,
    RefundNeedsApproval,
    RefundPayment,
    ReturnPayment,
    VoidPayment,
)
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.payments import (
    answers,
    by_parcel,
    giving_back,
    limits,
    provider,
    recording,
    refunds,
    standing,
)
from participants.payments.answers import (
    ASKING,
    GONE,
    HELD,
    LETTING_GO,
    REFUSED,
    TAKEN,
    TAKING,
    OfAll,
    OfCapture,
    OfHold,
    OfRefund,
    OfReturn,
    OfVoid,
)
from participants.payments.captures import TakePart
from participants.payments.giving_back import GiveBack
from participants.payments.ledger import INVOICE
from participants.payments.parts import of_close
from participants.payments.provider import Hold, LetGo, Take
from participants.payments.recording import agreed, publish, returned
from participants.payments.refunds import taking
from participants.payments.tables import Payment, Refund

METHODS = (*provider.TYPES, INVOICE)

payments = Service("payments")


def _payments(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Payment, {message.order_id for message in messages}),)


def _refunds(messages: Sequence[Any]) -> Iterable[Rows]:
    known = {(m.order_id, m.refund_id) for m in messages}
    return (*_payments(messages), (Refund, known))


def _returned(messages: Sequence[ReturnPayment | GiveBack]) -> Iterable[Rows]:
    return (*_refunds(messages), *by_parcel.captures(messages))


def _returns(intents: Sequence[LetGo]) -> Iterable[Rows]:
    known = {(i.order_id, i.return_id) for i in intents if i.return_id}
    return (*_payments(intents), (Refund, known))


@payments.handles(AuthorizePayment, loads=_payments)
def authorize(command: AuthorizePayment, session: BatchSession) -> OfHold | Hold | LetGo:
    """Ask the provider for a hold, unless it was let go of before."""
    payment = _known(session, command.order_id)
    fresh = payment.state == REFUSED or standing.expired(payment)
    if fresh and command.method not in METHODS:
        return _failed(command, "method_unknown", f"nobody pays by {command.method!r} here")
    if fresh:
        _ask(payment, command, _key(session))
    if payment.state == LETTING_GO:
        return agreed(session, payment, refunds.letting_go(payment))
    if payment.state == ASKING:
        return agreed(session, payment, refunds.holding(payment))
    return publish(session, payment, answers.of_hold(payment))


@payments.handles(VoidPayment, loads=_payments)
def void(command: VoidPayment, session: BatchSession) -> OfVoid | LetGo:
    """Let go of the hold; where there is none yet, make sure that none will be."""
    payment = _known(session, command.order_id)
    payment.waiting = None  # nobody waits for the hold any more
    if payment.state == REFUSED or standing.expired(payment):
        standing.gone(payment)
    if payment.state in (GONE, TAKING, TAKEN):
        return publish(session, payment, answers.of_void(payment))
    payment.state = LETTING_GO
    return agreed(session, payment, refunds.letting_go(payment))


@payments.handles(CapturePayment, loads=by_parcel.captures)
def capture(command: CapturePayment, session: BatchSession) -> OfCapture | Hold | Take | TakePart:
    """Take what is held, or a part of it; hold it anew, once, where the hold has expired."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        return _failed(command, "not_held", "no payment is known")
    if command.parcel:
        return by_parcel.capture(command, session, payment)
    payment.capture_key = payment.capture_key or _key(session)
    lost = standing.expired(payment) and not payment.renewed
    if (payment.state == HELD or lost) and not _covers(payment, command):
        return _failed(command, "amount_not_held", f"{command.amount} is not within what is held")
    if payment.state == HELD or lost:
        payment.capture_key, payment.taken = _key(session), command.amount.amount
    if payment.state == HELD:
        payment.state = TAKING
    elif lost:
        standing.renew(payment)
    if payment.state == TAKING:
        return agreed(session, payment, taking(payment))
    if payment.state == ASKING and payment.renewed:
        return refunds.holding(payment)
    return publish(session, payment, answers.of_capture(payment))


@payments.handles(ReturnPayment, loads=_returned)
def give_all_back(
    command: ReturnPayment, session: BatchSession
) -> OfReturn | LetGo | GiveBack | Take | TakePart:
    """Let go of what is held or give back what was taken; from now on nothing is taken."""
    payment = _known(session, command.order_id)
    if command.parcel:
        return by_parcel.give_back(command, session, payment)
    if not payment.return_id and session.get(Refund, (command.order_id, command.refund_id)):
        return refunds.failed(command, "refund_id_used", "this refund gave a part back")
    payment.return_id, payment.waiting = payment.return_id or command.refund_id, None
    return returned(session, payment, anew=True)


@payments.handles(ApproveRefund, loads=_payments)
def approve(command: ApproveRefund, session: BatchSession) -> RefundApproved | RefundNeedsApproval:
    """Whether the refund is small enough to need no second person."""
    order_id, refund_id = command.order_id, command.refund_id
    limit = limits.exceeded(session, session.get(Payment, order_id), command.amount)
    if limit is None:
        return RefundApproved(order_id=order_id, refund_id=refund_id)
    return RefundNeedsApproval(
        order_id=order_id, refund_id=refund_id, amount=command.amount, limit=limit
    )


@payments.handles(RefundPayment, loads=_refunds)
def refund(command: RefundPayment, session: BatchSession) -> OfRefund | GiveBack:
    """Give a part back, if that much is left of what was taken."""
    payment = session.get(Payment, command.order_id)
    known = session.get(Refund, (command.order_id, command.refund_id))
    if known is None or known.state == REFUSED:
        if refused := refunds.refusal(payment, command):
            return refused
        known = refunds.begin(session, payment, command.refund_id, command.amount.amount)
    return _refunded(session, payment, known)


@payments.handles(QueryPayment, loads=_payments)
def query(
    command: QueryPayment, session: BatchSession
) -> OfAll | PaymentClosed | Hold | LetGo | Take:
    """What came of the last call; while it is in doubt, that call again. Who is to authenticate and
    does not is not waited for for ever.

    A hold is asked for again under its first key. A capture takes a new one, for the provider
    replays a 5xx under the old one, and a payment intent can be captured but once.
    """
    payment = session.get(Payment, command.order_id)
    if payment is None:
        return PaymentStatusUnknown(order_id=command.order_id, reason="no payment is known")
    if payment.state == TAKING:
        payment.capture_key = _key(session)
        return taking(payment)
    if standing.give_up(payment):
        return refunds.letting_go(payment)
    if payment.state == ASKING:
        return refunds.holding(payment)
    return publish(
        session, payment, of_close(payment) if payment.closing else answers.of_all(payment)
    )


@payments.handles(QueryRefund, loads=_refunds)
def query_refund(
    command: QueryRefund, session: BatchSession
) -> OfReturn | OfRefund | LetGo | GiveBack:
    """What came of the refund or the return; while it is in doubt, what it needs next."""
    payment = session.get(Payment, command.order_id)
    known = session.get(Refund, (command.order_id, command.refund_id))
    if payment and payment.return_id and (not known or command.refund_id == payment.return_id):
        return returned(session, payment)
    if known is None:
        return PaymentStatusUnknown(order_id=command.order_id, reason="no refund is known")
    return _refunded(session, payment, known)


by_parcel.handle(payments, _payments)
payments.performs(Hold, record=recording.hold, loads=_payments)(provider.hold)
payments.performs(LetGo, record=recording.let_go, loads=_returns)(provider.let_go)
payments.performs(Take, record=recording.take, loads=_payments)(provider.take)
payments.performs(GiveBack, record=recording.give_back, loads=_returned)(giving_back.give_back)


def _known(session: BatchSession, order_id: OrderId) -> Payment:
    """The payment of the order, begun if there is none."""
    payment: Payment | None = session.get(Payment, order_id)
    if payment is None:
        payment = _new(order_id)
        session.add(payment)
    return payment


def _new(order_id: OrderId) -> Payment:
    numbers = ("amount", "taken", "refunded", "refunding", "let_off")
    keys = ("token", "create_key", "capture_key", "reference", "return_id")
    texts = (*keys, "method", "currency", "action_url", "code", "reason", "told")
    return Payment(
        order_id=order_id,
        state=REFUSED,
        asked_at=datetime.now(UTC),
        held=False,
        renewed=False,
        waiting=None,
        in_parts=False,
        closing=False,
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(numbers, 0),
    )


def _ask(payment: Payment, command: AuthorizePayment, key: str) -> None:
    """Begin to ask for a hold; after a refusal this is a new charge, under a new key."""
    standing.begin(payment, key)
    payment.method, payment.token = command.method, command.token
    payment.amount, payment.currency = command.amount.amount, command.amount.currency


def _refunded(session: BatchSession, payment: Payment, known: Refund) -> OfRefund | GiveBack:
    if known.state == ASKING:
        return agreed(session, payment, refunds.giving_back(payment, known))
    return publish(session, known, answers.of_refund(payment, known))


def _covers(payment: Payment, command: CapturePayment) -> bool:
    fits = 0 < command.amount.amount <= payment.amount
    return fits and command.amount.currency == payment.currency


def _failed(command: AuthorizePayment | CapturePayment, code: str, reason: str) -> PaymentFailed:
    return PaymentFailed(order_id=command.order_id, code=code, reason=reason)


def _key(session: BatchSession) -> str:
    return str(session.info["envelope"].id)
