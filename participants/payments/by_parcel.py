"""What payments does on each command about one of several parcels, and when all have ended."""

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.delivery.service import Loads, Rows, Service
from contracts.messages.payments import (
    CapturePayment,
    ClosePayment,
    PaymentStatusUnknown,
    QueryCapture,
    ReturnPayment,
)
from contracts.runtime.session import BatchSession
from participants.payments import answers, parts, recording, refunds
from participants.payments.answers import HELD, LETTING_GO, REFUSED, OfCapture, OfReturn
from participants.payments.captures import TakePart, take_part
from participants.payments.giving_back import GiveBack
from participants.payments.parts import OfClose, OfQuery
from participants.payments.provider import LetGo, Take
from participants.payments.recording import agreed, publish
from participants.payments.tables import Capture, Payment, Refund


def handle(payments: Service, loads: Loads) -> None:
    """Let the service handle these commands, and perform what they want done."""
    payments.handles(QueryCapture, loads=_queried)(_query)
    payments.handles(ClosePayment, loads=loads)(_close)
    payments.performs(TakePart, record=recording.take_part, loads=captures)(take_part)


def captures(messages: Sequence[Any]) -> Iterable[Rows]:
    """The payments, and the parts of the parcels that are named."""
    known = {(message.order_id, message.parcel) for message in messages if message.parcel}
    return ((Payment, {message.order_id for message in messages}), (Capture, known))


def capture(
    command: CapturePayment, session: BatchSession, payment: Payment
) -> OfCapture | TakePart | Take:
    """Take the part of a parcel; the rest stays held for the others."""
    part = parts.part_of(session, payment, command.parcel)
    if part is None or part.state == REFUSED:
        if payment.return_id:  # all of it was returned: no part is begun any more
            return answers.of_capture_returned(payment, gone=True)
        if refused := parts.refusal(payment, command):
            return refused
        part = parts.begin(session, payment, command.parcel, command.amount.amount)
    if call := None if payment.return_id else parts.next_call(session, payment, part):
        return agreed(session, payment, call)
    refund = refunds.refund_of(session, payment, part.return_id)
    return publish(session, part, parts.of_part(payment, part, refund))


def give_back(
    command: ReturnPayment, session: BatchSession, payment: Payment
) -> OfReturn | TakePart | Take | GiveBack:
    """Give back what was taken for a parcel; from now on nothing is."""
    part = parts.let_off(session, payment, command)
    answer = parts.returning(session, payment, part, anew=True)
    return publish(session, part, agreed(session, payment, answer))


def _query(command: QueryCapture, session: BatchSession) -> OfQuery | TakePart | Take | GiveBack:
    """What came of the part; while it is in doubt, what it needs next."""
    payment = session.get(Payment, command.order_id)
    part = parts.part_of(session, payment, command.parcel) if payment else None
    if part is None:
        return PaymentStatusUnknown(order_id=command.order_id, reason="no capture is known")
    call: Any = parts.next_call(session, payment, part)
    if call is None and part.return_id:
        call = parts.returning(session, payment, part)
    if isinstance(call, TakePart | Take | GiveBack):
        return agreed(session, payment, call)
    refund = refunds.refund_of(session, payment, part.return_id)
    return publish(session, part, parts.of_query(payment, part, refund))


def _close(command: ClosePayment, session: BatchSession) -> OfClose | LetGo:
    """Let go of what no parcel took."""
    payment = session.get(Payment, command.order_id)
    if payment is None:
        return PaymentStatusUnknown(order_id=command.order_id, reason="no payment is known")
    payment.closing = True
    if payment.state in (HELD, LETTING_GO):
        payment.state = LETTING_GO
        return agreed(session, payment, refunds.letting_go(payment))
    return publish(session, payment, parts.of_close(payment))


def _queried(messages: Sequence[QueryCapture]) -> Iterable[Rows]:
    known = {(message.order_id, message.refund_id) for message in messages}
    return (*captures(messages), (Refund, known))
