"""START HERE: which events become which mails, and what is not sent because nobody wants it.

A handler that fails is tried again as `email` declares, a mail as often as `Mail` says at the same
intervals; what fails to the end, or is refused for good, is a dead letter, which a replay sends.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from contracts.delivery.service import Done, Ignored, Outcome, Retries, Rows, Service
from contracts.messages.orders import OrderConfirmed, OrderRejected
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.users import UserRegistered
from contracts.runtime.bulk import update_rows
from contracts.runtime.session import BatchSession
from side_effects.email import smtp
from side_effects.email.kinds import CONFIRMED, DELAYED, REJECTED, WELCOME, Kind, told
from side_effects.email.smtp import Mail
from side_effects.email.tables import MailRow, Preference

email = Service("email", Retries(attempts=8))
TO_SEND, SENT, NOT_SENT = "to send", "sent", "not sent"
UNWANTED = "not wanted"
DECIDED = Ignored("duplicate", "this mail was decided before")


def _wishes(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    return ((Preference, {(event.customer_id, CONFIRMED) for event in events}),)


@email.on(OrderConfirmed, loads=_wishes)
def confirmation(event: OrderConfirmed, session: BatchSession) -> Mail | Ignored:
    """The order is confirmed: say what was ordered and what it costs."""
    lines = [
        {"quantity": line.quantity, "sku": line.sku, "unit_price": str(line.unit_price)}
        for line in event.lines
    ]
    mail = Mail(
        contact_id=event.contact_id,
        customer_id=event.customer_id,
        about=event.order_id,
        kind=CONFIRMED,
        data={"lines": lines, "total": str(event.total)},
    )
    return _if_wanted(mail, session)


def _welcomes(events: Sequence[UserRegistered]) -> Iterable[Rows]:
    return ((Preference, {(event.customer_id, WELCOME) for event in events}),)


@email.on(UserRegistered, loads=_welcomes)
def welcome(event: UserRegistered, session: BatchSession) -> Mail | Ignored:
    """Somebody registered: welcome them."""
    mail = Mail(
        contact_id=event.contact_id,
        customer_id=event.customer_id,
        about=event.customer_id,
        kind=WELCOME,
    )
    return _if_wanted(mail, session)


def _rejections(events: Sequence[OrderRejected]) -> Iterable[Rows]:
    return _once(events, REJECTED)


@email.on(OrderRejected, loads=_rejections)
def rejection(event: OrderRejected, session: BatchSession) -> Mail | Ignored:
    """The order is rejected: say once why, in the customer's words."""
    if session.get(MailRow, (event.order_id, REJECTED)):
        return DECIDED
    mail = Mail(
        contact_id=event.contact_id,
        customer_id=event.customer_id,
        about=event.order_id,
        kind=REJECTED,
        data={"why": told(event.reason)},
    )
    return _if_wanted(mail, session)


def _delays(events: Sequence[ManualReviewRequired]) -> Iterable[Rows]:
    return _once([event for event in events if event.contact_id], DELAYED)


@email.on(ManualReviewRequired, loads=_delays)
def delay(event: ManualReviewRequired, session: BatchSession) -> Mail | Ignored:
    """A person has to look at the order: say once that it takes a little longer."""
    if not event.contact_id:
        return Ignored("nobody", "it names no contact")
    if session.get(MailRow, (event.order_id, DELAYED)):
        return DECIDED
    mail = Mail(
        contact_id=event.contact_id,
        customer_id=event.customer_id,
        about=event.order_id,
        kind=DELAYED,
    )
    return _if_wanted(mail, session)


def record(mail: Mail, outcome: Outcome, session: BatchSession) -> None:
    """Remember what became of the mail; what was refused becomes a dead letter."""
    sent = isinstance(outcome, Done)
    row = {
        "subject": mail.about,
        "kind": mail.kind,
        "state": SENT if sent else NOT_SENT,
        "reason": "" if isinstance(outcome, Done) else outcome.reason,
        "sent_at": datetime.now(UTC) if sent else None,
    }
    session.later(_record_all, row)


email.performs(Mail, record=record)(smtp.send)


def _once(events: Sequence[OrderRejected | ManualReviewRequired], kind: Kind) -> Iterable[Rows]:
    """Whether the mail is decided already, for the same is told again under other ids; and who
    wants it."""
    return (
        (MailRow, {(event.order_id, kind) for event in events}),
        (Preference, {(event.customer_id, kind) for event in events}),
    )


def _record_all(session: BatchSession, rows: list[dict[str, Any]]) -> None:
    update_rows(session, MailRow.__table__, rows, ("subject", "kind"))


def _if_wanted(mail: Mail, session: BatchSession) -> Mail | Ignored:
    """The mail, unless the customer does not want such; either way it is written down."""
    wish = session.get(Preference, (mail.customer_id, mail.kind))
    state = TO_SEND if wish is None or wish.wanted else UNWANTED
    row = MailRow(
        subject=mail.about,
        kind=mail.kind,
        state=state,
        reason="",
    )
    session.add(row)
    return mail if state == TO_SEND else Ignored("preference", f"no {mail.kind} mail is wanted")
