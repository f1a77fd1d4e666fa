"""How a payment stands: each fact the provider makes known moves it on, in whatever order it comes.

The answer of a call and a webhook tell the same facts: each may come twice, late, or before the one
it follows from. So a fact only ever leads forward (asked for, held, then taken or gone), names the
attempt it is about (the key of its hold), and completes the ledger with what must have come before.
What is said of an earlier attempt changes nothing here.
"""

from datetime import UTC, datetime, timedelta

from contracts.delivery.service import Done, Outcome, Refused
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from participants.payments import provider
from participants.payments.answers import (
    ASKING,
    GIVEN,
    GONE,
    HELD,
    LETTING_GO,
    REFUSED,
    TAKEN,
    TAKING,
)
from participants.payments.ledger import post
from participants.payments.tables import Capture, Payment, Refund

EXPIRED, NOT_AUTHENTICATED = "hold_expired", "not_authenticated"
# Shorter than the saga asks, so that who never comes back from the bank bothers no person.
AUTHENTICATED_WITHIN = timedelta(minutes=4)


def hold_told(session: BatchSession, payment: Payment, key: str, outcome: Outcome) -> bool:
    """What is told of a hold; false when something is held that nobody wants."""
    if isinstance(outcome, Refused) and outcome.code == provider.GONE:
        canceled(session, payment, key, payment.reference)
    elif isinstance(outcome, Refused):
        refused(payment, key, outcome.code, outcome.reason)
    elif isinstance(outcome, Done) and "action" in outcome.data:
        action(payment, key, outcome.data["reference"], outcome.data["action"])
    elif isinstance(outcome, Done):
        return held(session, payment, key, outcome.data["reference"])
    return True


def action(payment: Payment, key: str, reference: str, url: str) -> None:
    """The customer has to authenticate at `url` before anything is held."""
    if key == payment.create_key and payment.state in (ASKING, LETTING_GO) and not payment.held:
        payment.reference, payment.action_url = reference, url


def held(session: BatchSession, payment: Payment, key: str, reference: str) -> bool:
    """The provider holds the amount; whether anybody still wants that it does."""
    if key != payment.create_key:
        return False
    gone_since = _is_gone(payment, reference)
    if not payment.held:
        _post_hold(session, payment, reference)
        if gone_since:
            post(session, payment, "release", payment.amount, key)
    if payment.state == ASKING:
        payment.state = TAKING if payment.renewed else HELD
    elif payment.state == REFUSED or (payment.state == GONE and not gone_since):
        payment.state = LETTING_GO
    return payment.state != LETTING_GO


def refused(payment: Payment, key: str, code: str, reason: str) -> None:
    """The provider certainly does not hold the amount."""
    if key != payment.create_key or payment.held:
        return
    if payment.state == ASKING:
        payment.state, payment.code, payment.reason = REFUSED, code, reason
    elif payment.state == LETTING_GO:
        gone(payment)


def taken(session: BatchSession, payment: Payment, key: str, reference: str, amount: int) -> None:
    """The provider has taken `amount`; what it held beyond that is free again. What parcels take
    is told part by part."""
    if key != payment.create_key or payment.state == TAKEN or payment.in_parts:
        return
    if not payment.held:
        _post_hold(session, payment, reference)
    payment.state, payment.taken = TAKEN, amount
    post(session, payment, "settle", payment.amount)
    post(session, payment, "capture", amount)


def part_taken(session: BatchSession, payment: Payment, part: Capture) -> None:
    """The provider has taken the part of a parcel; with the last part all is taken."""
    if part.state == TAKEN:
        return
    if part.state == GONE:
        payment.let_off -= part.amount
    part.state = TAKEN
    payment.taken += part.amount
    post(session, payment, "settle", part.amount, f"parcel {part.parcel}")
    post(session, payment, "capture", part.amount, f"parcel {part.parcel}")
    if payment.taken == payment.amount and payment.state == HELD:
        payment.state = TAKEN


def canceled(session: BatchSession, payment: Payment, key: str, reference: str) -> None:
    """The provider has let go of the hold: as we asked, or because it expired.

    What expires while it is to be taken is held anew, once.
    """
    if key != payment.create_key or payment.state == TAKEN:
        return
    payment.reference = payment.reference or reference
    if payment.state == GONE:
        return
    taken = payment.taken if payment.in_parts else 0
    if payment.held and payment.amount > taken:
        post(session, payment, "release", payment.amount - taken, key)
    if taken:
        payment.state = TAKEN
    elif payment.state == LETTING_GO and payment.code == NOT_AUTHENTICATED:
        gone(payment, NOT_AUTHENTICATED, payment.reason)
    elif payment.state == LETTING_GO:
        gone(payment)
    elif payment.state == TAKING and not payment.renewed:
        renew(payment)
    else:
        gone(payment, EXPIRED, "the provider let go of the hold before it was taken")


def give_up(payment: Payment) -> bool:
    """Whether the customer was to authenticate and has not come back in time: then let go."""
    within = settings().wait(AUTHENTICATED_WITHIN.total_seconds())
    waits = payment.state == ASKING and bool(payment.action_url)
    if waits and datetime.now(UTC) - payment.asked_at > within:
        payment.state, payment.code = LETTING_GO, NOT_AUTHENTICATED
        payment.reason = "the customer did not authenticate in time"
    return payment.state == LETTING_GO


def gone(payment: Payment, code: str = "voided", reason: str = "it was let go of") -> None:
    """Nothing is held, and nothing will be."""
    payment.state, payment.code, payment.reason = GONE, code, reason


def expired(payment: Payment) -> bool:
    """Whether nothing is held although nobody wanted that."""
    return payment.state == GONE and payment.code == EXPIRED and not payment.return_id


def renew(payment: Payment) -> None:
    """Ask for the hold anew, with the same token, to be taken as soon as it is held.

    Both under keys of their own: the provider refuses one that was used for another hold.
    """
    begin(payment, f"{payment.capture_key}-renewed")
    payment.renewed, payment.capture_key = True, f"{payment.capture_key}-again"


def begin(payment: Payment, key: str) -> None:
    """Begin to ask for a hold: a new attempt, under a new key."""
    payment.state, payment.create_key = ASKING, key
    payment.reference = payment.code = payment.reason = payment.action_url = ""
    payment.told, payment.held, payment.renewed, payment.waiting = "", False, False, None
    payment.asked_at = datetime.now(UTC)


def given(session: BatchSession, payment: Payment, refund: Refund, reference: str) -> None:
    """The provider has given the refund back."""
    refund.reference = refund.reference or reference
    if refund.state == GIVEN:
        return
    if refund.state == ASKING:
        payment.refunding -= refund.amount
    refund.state = GIVEN
    payment.refunded += refund.amount
    post(session, payment, "refund", refund.amount, refund.refund_id)


def not_given(payment: Payment, refund: Refund, key: str, code: str, reason: str) -> None:
    """The provider certainly does not give the refund back."""
    if refund.state == ASKING and key == refund.key:
        payment.refunding -= refund.amount
        refund.state, refund.code, refund.reason = REFUSED, code, reason


def _post_hold(session: BatchSession, payment: Payment, reference: str) -> None:
    payment.held, payment.reference, payment.action_url = True, reference, ""
    post(session, payment, "hold", payment.amount, payment.create_key)


def _is_gone(payment: Payment, reference: str) -> bool:
    return payment.state == GONE and bool(reference) and payment.reference == reference
