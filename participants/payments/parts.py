"""What each of several parcels takes of an order's payment: its part, once; or gives it back.

A card or an invoice is charged part by part. Where a method can be captured but once (a wallet),
the first parcel takes all that is not given up, and each part counts as taken with it. A part that
is given back is never taken any more; whether it was is found out first.
"""

from datetime import UTC, datetime

from contracts.messages.base import Result
from contracts.messages.payments import (
    CapturePayment,
    PaymentCaptured,
    PaymentClosed,
    PaymentFailed,
    PaymentReturned,
    PaymentStatusUnknown,
    QueryCapture,
    RefundFailed,
    ReturnPayment,
)
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.payments import answers, refunds
from participants.payments.answers import (
    ASKING,
    GIVEN,
    GONE,
    HELD,
    REFUSED,
    TAKEN,
    TAKING,
    OfCapture,
    OfReturn,
    money,
)
from participants.payments.captures import TakePart
from participants.payments.giving_back import GiveBack
from participants.payments.ledger import INVOICE
from participants.payments.provider import Take
from participants.payments.refunds import taking
from participants.payments.tables import Capture, Payment, Refund

SEVERAL_TIMES = ("card", INVOICE)
OfQuery = OfCapture | PaymentReturned
OfClose = PaymentClosed | PaymentStatusUnknown


def part_of(session: BatchSession, payment: Payment, parcel: int) -> Capture | None:
    """The part of this parcel, if it was ever begun."""
    found: Capture | None = session.get(Capture, (payment.order_id, parcel))
    return found


def begin(session: BatchSession, payment: Payment, parcel: int, amount: int) -> Capture:
    """Begin to take this part; after a refusal this is a new attempt, under a new key."""
    part = part_of(session, payment, parcel)
    if part is None:
        part = Capture(order_id=payment.order_id, parcel=parcel, return_id="")
        session.add(part)
    part.state, part.amount, part.key = ASKING, amount, str(session.info["envelope"].id)
    part.code = part.reason = part.told = ""
    part.asked_at = datetime.now(UTC)
    payment.in_parts = payment.method in SEVERAL_TIMES
    return part


def refusal(payment: Payment, command: CapturePayment) -> PaymentFailed | None:
    """Why this part cannot be asked for, if so."""
    code, reason = "", ""
    within = 0 < command.amount.amount <= payment.amount - payment.let_off
    if payment.state not in (HELD, TAKING, TAKEN):
        code, reason = "not_held", f"the payment is {payment.state}"
    elif not within or command.amount.currency != payment.currency:
        code, reason = "amount_not_held", f"{command.amount} is not within what is held"
    if not code:
        return None
    return PaymentFailed(order_id=command.order_id, code=code, reason=reason)


def next_call(session: BatchSession, payment: Payment, part: Capture) -> TakePart | Take | None:
    """What is to be asked next about a part that is being taken; None when it is certain."""
    if part.state == ASKING and payment.in_parts:
        return _taking_part(payment, part)
    if part.state == ASKING and payment.state == HELD:
        payment.state, payment.capture_key = TAKING, part.key
        payment.taken = payment.amount - payment.let_off
    if part.state == ASKING and payment.state == TAKING:
        return taking(payment)
    learn(payment, part)
    return None


def learn(payment: Payment, part: Capture) -> None:
    """What came of the payment as a whole came of the part, where all is taken at once. What was
    asked for and is held still was refused."""
    if part.state != ASKING or payment.in_parts:
        return
    if payment.state == TAKEN:
        part.state = TAKEN
    elif payment.state in (HELD, REFUSED, GONE):
        part.state, part.code, part.reason = REFUSED, payment.code, payment.reason


def renew(part: Capture) -> None:
    """Nothing came of the last attempt: the next is a new one, under a new key."""
    part.key, part.asked_at = f"{part.key}-again", datetime.now(UTC)


def let_off(session: BatchSession, payment: Payment, command: ReturnPayment) -> Capture:
    """The part of a parcel that is not sent: from now on it is not taken any more. Where all was
    taken at once, that part was too."""
    part = part_of(session, payment, command.parcel)
    amount = command.amount.amount if command.amount else 0
    if part is None:
        part = begin(session, payment, command.parcel, amount)
        if payment.in_parts or payment.state not in (TAKING, TAKEN):
            part.state = REFUSED
    if part.state == REFUSED:
        part.state = GONE
        payment.let_off += part.amount
    part.return_id = part.return_id or command.refund_id
    return part


def returning(
    session: BatchSession, payment: Payment, part: Capture, anew: bool = False
) -> OfReturn | TakePart | Take | GiveBack:
    """What the return of a part needs next, or its answer; `anew` tries again what was refused."""
    if call := next_call(session, payment, part):
        return call
    if part.state == REFUSED:
        part.state = GONE
        payment.let_off += part.amount
    refund = refunds.refund_of(session, payment, part.return_id)
    wanted = part.state == TAKEN and not payment.return_id
    if wanted and (refund is None or (anew and refund.state == REFUSED)):
        if part.amount > refunds.left_of(payment):
            return refunds.too_large(part.order_id, part.return_id, payment)
        refund = refunds.begin(session, payment, part.return_id, part.amount)
    if refund and refund.state == ASKING:
        return refunds.giving_back(payment, refund, part.parcel)
    return of_part_back(payment, part, refund)


def of_part(
    payment: Payment, part: Capture, refund: Refund | None = None, reason: str = ""
) -> OfCapture:
    """Is the part taken, and not given back?"""
    gone = part.state == GONE or bool(refund and refund.state == GIVEN)
    if payment.return_id or gone:
        return answers.of_capture_returned(payment, gone, reason)
    if part.state == TAKEN:
        return PaymentCaptured(
            order_id=OrderId(payment.order_id),
            amount=money(payment, part.amount),
            reference=payment.reference,
            parcel=part.parcel,
        )
    if part.state == REFUSED:
        return PaymentFailed(order_id=OrderId(payment.order_id), code=part.code, reason=part.reason)
    return answers.unknown(payment, reason)


def of_part_back(
    payment: Payment, part: Capture, refund: Refund | None, reason: str = ""
) -> OfReturn:
    """Is nothing of the part kept?"""
    back = refund.amount if refund and refund.state == GIVEN else 0
    if part.state == GONE or back or (payment.return_id and answers.nothing_kept(payment)):
        amount = money(payment, back)
        order_id = OrderId(payment.order_id)
        return PaymentReturned(order_id=order_id, amount=amount, parcel=part.parcel)
    if refund and refund.state == REFUSED:
        return answers.not_given(refund)
    return answers.unknown(payment, reason)


def of_query(payment: Payment, part: Capture, refund: Refund | None, reason: str = "") -> OfQuery:
    """Whatever stands of the part. What was not given back is still taken."""
    if not part.return_id:
        return of_part(payment, part, refund, reason)
    back = of_part_back(payment, part, refund, reason)
    return of_part(payment, part) if isinstance(back, RefundFailed) else back


def of_close(payment: Payment, reason: str = "") -> OfClose:
    """Is nothing more taken, and nothing held?"""
    if payment.state in (TAKEN, GONE, REFUSED):
        taken = payment.taken if payment.state == TAKEN else 0
        return PaymentClosed(order_id=OrderId(payment.order_id), taken=money(payment, taken))
    return answers.unknown(payment, reason)


def told(
    asked: CapturePayment | ReturnPayment | QueryCapture,
    payment: Payment,
    part: Capture,
    refund: Refund | None,
    reason: str = "",
) -> Result:
    """The answer to the command `asked` about a part, after an outcome was recorded."""
    if isinstance(asked, CapturePayment):
        return of_part(payment, part, refund, reason)
    if isinstance(asked, QueryCapture):
        return of_query(payment, part, refund, reason)
    return of_part_back(payment, part, refund, reason)


def _taking_part(payment: Payment, part: Capture) -> TakePart:
    return TakePart(
        key=part.key,
        order_id=OrderId(payment.order_id),
        parcel=part.parcel,
        amount=part.amount,
        reference=payment.reference,
        asked_at=part.asked_at,
        look=bool(part.return_id),
    )
