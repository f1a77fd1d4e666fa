"""What the provider's answers change, and what is answered to whoever asked.

An answer is a fact about the attempt it was asked for (`standing`); what follows from it is wished
for at once: a hold that nobody wants is let go of, what was held anew is taken, what turns out to
be taken while the payment is returned is given back.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from contracts.delivery.envelope import stored
from contracts.delivery.outbox import put
from contracts.delivery.service import Answer, Done, Intent, Outcome, Refused, Unsure
from contracts.messages.base import Result, Unknown
from contracts.messages.payments import (
    CapturePayment,
    ClosePayment,
    QueryPayment,
    QueryRefund,
    ReturnPayment,
)
from contracts.runtime.session import BatchSession
from participants.payments import answers, parts, provider, standing
from participants.payments.answers import ASKING, GONE, HELD, REFUSED, TAKEN, TAKING, OfReturn
from participants.payments.captures import NOT_FOUND, TakePart
from participants.payments.giving_back import GiveBack
from participants.payments.ledger import INVOICE
from participants.payments.provider import Hold, LetGo, Take
from participants.payments.refunds import holding, letting_go, refund_of, returning, taking
from participants.payments.tables import Capture, Payment, Refund

A = TypeVar("A", bound=Answer)


def hold(intent: Hold, outcome: Outcome, session: BatchSession) -> Answer:
    """The provider holds, refused, sends the customer to authenticate, or did not say."""
    payment = _payment(session, intent)
    wanted = standing.hold_told(session, payment, intent.key, outcome)
    if isinstance(outcome, Done) and not wanted:
        return letting_go(payment, intent.key, outcome.data["reference"])
    if payment.state == TAKING and payment.renewed and _wants_capture(session, outcome):
        return taking(payment)
    return _told(session, payment, outcome)


def let_go(intent: LetGo, outcome: Outcome, session: BatchSession) -> Answer:
    """Nothing is held any more, or it was taken before, or nobody can tell."""
    payment = _payment(session, intent)
    if isinstance(outcome, Done):
        _learn_parts(session, payment, outcome.data.get("parts", {}))
        reference = outcome.data.get("reference", "")
        standing.canceled(session, payment, intent.key, reference)
    elif isinstance(outcome, Refused) and outcome.code == provider.TAKEN and payment.taken:
        standing.taken(session, payment, intent.key, payment.reference, payment.taken)
    asked = session.info["envelope"].message
    certain = payment.state in (REFUSED, GONE, TAKEN)
    if certain and isinstance(asked, ReturnPayment | QueryRefund):
        return returned(session, payment)
    return _told(session, payment, outcome)


def take(intent: Take, outcome: Outcome, session: BatchSession) -> Answer:
    """The money is taken, certainly not, or nobody can tell; an expired hold is made anew."""
    payment = _payment(session, intent)
    mine = payment.state == TAKING and intent.key == payment.capture_key
    if isinstance(outcome, Done):
        amount = outcome.data["amount"]
        standing.taken(session, payment, intent.hold_key, intent.reference, amount)
    elif isinstance(outcome, Refused) and outcome.code == provider.GONE:
        standing.canceled(session, payment, intent.hold_key, intent.reference)
    elif isinstance(outcome, Refused) and mine:
        payment.state, payment.code, payment.reason = HELD, outcome.code, outcome.reason
        payment.taken = 0
    if payment.state == ASKING and payment.renewed and intent.hold_key != payment.create_key:
        return holding(payment)
    return _told(session, payment, outcome)


def take_part(intent: TakePart, outcome: Outcome, session: BatchSession) -> Answer:
    """The part of a parcel is taken, certainly not, or nobody can tell."""
    payment = _payment(session, intent)
    part = parts.part_of(session, payment, intent.parcel)
    assert part, "an intent is stored with its part"
    mine = part.state == ASKING and intent.key == part.key
    if isinstance(outcome, Done):
        standing.part_taken(session, payment, part)
    elif isinstance(outcome, Refused) and mine and _to_be_asked_anew(part, outcome):
        parts.renew(part)
        return parts.next_call(session, payment, part)
    elif isinstance(outcome, Refused) and mine:
        part.state, part.code, part.reason = REFUSED, outcome.code, outcome.reason
    if part.return_id and part.state != ASKING:
        answer = parts.returning(session, payment, part)
        if isinstance(answer, Intent):
            return agreed(session, payment, answer)
    return _told(session, payment, outcome, refund_of(session, payment, part.return_id))


def _to_be_asked_anew(part: Capture, outcome: Refused) -> bool:
    """Whether nothing has come of the call, which is still wanted."""
    return outcome.code == NOT_FOUND and not part.return_id


def _learn_parts(session: BatchSession, payment: Payment, taken: dict[str, int]) -> None:
    """What parcels have taken by the provider's own word, before the rest was let go of."""
    session.load(Capture, {(payment.order_id, int(parcel)) for parcel in taken})
    for parcel in sorted(taken):
        if part := parts.part_of(session, payment, int(parcel)):
            standing.part_taken(session, payment, part)


def give_back(intent: GiveBack, outcome: Outcome, session: BatchSession) -> Answer:
    """The money is given back, certainly not, or nobody can tell."""
    payment = _payment(session, intent)
    refund = refund_of(session, payment, intent.refund_id)
    assert refund, "an intent is stored with its refund"
    if isinstance(outcome, Done):
        standing.given(session, payment, refund, outcome.data["reference"])
    elif isinstance(outcome, Refused):
        standing.not_given(payment, refund, intent.key, outcome.code, outcome.reason)
    return _told(session, payment, outcome, refund)


def returned(
    session: BatchSession, payment: Payment, anew: bool = False
) -> OfReturn | LetGo | GiveBack:
    """What the return needs next, or its answer; `anew` tries again what was refused."""
    about = refund_of(session, payment, payment.return_id) or payment
    return publish(session, about, agreed(session, payment, returning(session, payment, anew)))


def agreed(session: BatchSession, payment: Payment, answer: A) -> A:
    """`answer`; by invoice, what it asks of a provider is granted at once, by ourselves."""
    if payment.method != INVOICE or not isinstance(answer, Intent):
        return answer
    granted = Done(
        data={"reference": f"invoice-{payment.order_id}", "amount": getattr(answer, "amount", 0)}
    )
    recorded: Any = RECORDS[type(answer)](answer, granted, session)
    return cast(A, recorded)  # the answer to the same command


def publish(session: BatchSession, about: Payment | Refund | Capture, answer: A) -> A:
    """`answer`; what a query has found out is published here, unless it was told before. Who gets
    no certain answer waits for what the provider reports."""
    if isinstance(answer, Result) and not isinstance(about, Capture):
        _wait(session, about, answer)
    if isinstance(answer, Result) and answer.public:
        name, asked = type(answer).__name__, session.info["envelope"].message
        if about.told != name and (_is_ours(session) or not asked.effect):
            put(session, answer, subject=about.order_id)
        about.told = name
    return answer


def tell_of(
    session: BatchSession, payment: Payment, refund: Refund | None = None, reason: str = ""
) -> Result:
    """The answer to the command at hand as it stands now, published where that is due."""
    asked = session.info["envelope"].message
    parcel = getattr(asked, "parcel", 0)
    part = parts.part_of(session, payment, parcel) if parcel else None
    if payment.closing and isinstance(asked, ClosePayment | QueryPayment):
        closed: Result = parts.of_close(payment, reason)
        return publish(session, payment, closed)
    if part is None:
        result = answers.told(asked, payment, refund, reason)
        return publish(session, refund or payment, result)
    parts.learn(payment, part)
    return publish(session, part, parts.told(asked, payment, part, refund, reason))


RECORDS: dict[type[Intent], Callable[[Any, Outcome, BatchSession], Answer]] = {
    Hold: hold,
    LetGo: let_go,
    Take: take,
    TakePart: take_part,
    GiveBack: give_back,
}


def _told(
    session: BatchSession, payment: Payment, outcome: Outcome, refund: Refund | None = None
) -> Answer:
    """The answer to whoever asked, after `outcome` was recorded.

    Where a webhook made us ask ourselves, nobody waits for it.
    """
    reason = outcome.reason if isinstance(outcome, Refused | Unsure) else ""
    answer = tell_of(session, payment, refund, reason)
    return None if _is_ours(session) else answer


def _wait(session: BatchSession, about: Payment | Refund, answer: Result) -> None:
    """A query does not wait: what it asks about does."""
    asked = session.info["envelope"]
    if not isinstance(answer, Unknown):
        about.waiting = None
    elif asked.message.effect and not _is_ours(session):
        about.waiting = stored(asked)


def _is_ours(session: BatchSession) -> bool:
    return bool(session.info["envelope"].source == session.info.get("service"))


def _wants_capture(session: BatchSession, outcome: Outcome) -> bool:
    """Whether the hold that is told of was asked for anew, to be taken at once."""
    asked = session.info["envelope"].message
    return isinstance(outcome, Done) and isinstance(asked, CapturePayment | QueryPayment)


def _payment(session: BatchSession, intent: Hold | Take | TakePart | GiveBack) -> Payment:
    payment: Payment | None = session.get(Payment, intent.order_id)
    assert payment, "an intent is stored with its payment"
    return payment
