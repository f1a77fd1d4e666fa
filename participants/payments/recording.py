"""What the provider's answers change, and what is answered to whoever asked.

Only the outcome of the call that the payment waits for changes it. A hold that nobody wants any
more, because a void came or because it was given up, is let go of as soon as it is known.
"""

from contracts.delivery.outbox import put
from contracts.delivery.service import Answer, Done, Outcome, Refused
from contracts.messages.payments import QueryPayment
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.payments import provider
from participants.payments.answers import ASKING, GONE, HELD, LETTING_GO, REFUSED, TAKEN, TAKING
from participants.payments.answers import told as told_of
from participants.payments.ledger import post
from participants.payments.provider import Hold, LetGo, Take
from participants.payments.tables import Payment


def hold(intent: Hold, outcome: Outcome, session: BatchSession) -> Answer:
    """The provider holds, refused, or did not say; a void that came meanwhile is obeyed."""
    payment = _payment(session, intent)
    was, mine = payment.state, intent.key == payment.create_key
    if isinstance(outcome, Done) and not (mine and payment.state == ASKING):
        return _held_late(session, payment, intent, outcome)
    if isinstance(outcome, Done):
        payment.state = HELD
        _held(session, payment, outcome.data["reference"])
    elif isinstance(outcome, Refused) and mine and payment.state == ASKING:
        payment.state, payment.code, payment.reason = REFUSED, outcome.code, outcome.reason
    elif isinstance(outcome, Refused) and mine and payment.state == LETTING_GO:
        gone(payment)
    return _told(session, payment, outcome, was)


def let_go(intent: LetGo, outcome: Outcome, session: BatchSession) -> Answer:
    """Nothing is held any more, or nobody can tell."""
    payment = _payment(session, intent)
    was, mine = payment.state, intent.key == payment.create_key and payment.state == LETTING_GO
    if mine and isinstance(outcome, Done):
        payment.reference = outcome.data.get("reference", payment.reference)
        _released(session, payment)
        gone(payment)
    return _told(session, payment, outcome, was)


def take(intent: Take, outcome: Outcome, session: BatchSession) -> Answer:
    """The money is taken, certainly not, or nobody can tell."""
    payment = _payment(session, intent)
    was = payment.state
    if was == TAKING and isinstance(outcome, Done):
        payment.state, payment.taken = TAKEN, outcome.data["amount"]
        post(session, payment, "settle", payment.amount)
        post(session, payment, "capture", payment.taken)
    elif payment.state == TAKING and isinstance(outcome, Refused):
        _not_taken(session, payment, intent, outcome)
    return _told(session, payment, outcome, was)


def gone(payment: Payment, code: str = "voided", reason: str = "it was let go of") -> None:
    """Nothing is held, and nothing will be."""
    payment.state, payment.code, payment.reason = GONE, code, reason


def letting_go(payment: Payment) -> LetGo:
    """Ask the provider to let go of whatever this payment holds."""
    return LetGo(**vars(holding(payment)), reference=payment.reference)


def holding(payment: Payment) -> Hold:
    """Ask the provider for the hold, under the key first used."""
    return Hold(
        key=payment.create_key,
        order_id=OrderId(payment.order_id),
        amount=payment.amount,
        currency=payment.currency,
        token=payment.token,
        asked_at=payment.asked_at,
    )


def _held_late(session: BatchSession, payment: Payment, intent: Hold, outcome: Done) -> Answer:
    """A hold is known that the payment did not wait for: nothing new, or to be let go of."""
    reference = outcome.data["reference"]
    if reference == payment.reference and payment.state != LETTING_GO:
        return _told(session, payment, outcome, payment.state)
    if intent.key == payment.create_key and payment.state in (REFUSED, LETTING_GO, GONE):
        payment.state = LETTING_GO
        _held(session, payment, reference)
    return LetGo(**vars(intent) | {"reference": reference})


def _not_taken(session: BatchSession, payment: Payment, intent: Take, outcome: Refused) -> None:
    if outcome.code == provider.GONE:
        _released(session, payment)
        gone(payment, "hold_expired", "the provider let go of the hold before it was taken")
    elif intent.key == payment.capture_key:
        payment.state, payment.code, payment.reason = HELD, outcome.code, outcome.reason


def _held(session: BatchSession, payment: Payment, reference: str) -> None:
    payment.reference = reference
    if not payment.held:
        payment.held = True
        post(session, payment, "hold", payment.amount)


def _released(session: BatchSession, payment: Payment) -> None:
    if payment.held:
        post(session, payment, "release", payment.amount)


def _payment(session: BatchSession, intent: Hold | Take) -> Payment:
    payment: Payment | None = session.get(Payment, intent.order_id)
    assert payment, "an intent is stored with its payment"
    return payment


def _told(session: BatchSession, payment: Payment, outcome: Outcome, was: str) -> Answer:
    """The answer; what a query has found out is published here, once, for it changed the state."""
    asked = session.info["envelope"].message
    result = told_of(asked, payment, outcome)
    if isinstance(asked, QueryPayment) and payment.state != was and result.public:
        put(session, result, subject=payment.order_id)
    return result
