"""START HERE: which events become which mails."""

from contracts.delivery.service import Done, Outcome, Service
from contracts.messages.orders import OrderConfirmed
from contracts.messages.users import UserRegistered
from contracts.runtime.session import BatchSession
from side_effects.email import smtp
from side_effects.email.smtp import Mail
from side_effects.email.tables import MailRow

email = Service("email")
GREETING = "Dear {name},\n\n"
REGARDS = "\n\nYour shop\n"


@email.on(OrderConfirmed)
def confirmation(event: OrderConfirmed, session: BatchSession) -> Mail:
    """The order is confirmed: say what was ordered and what it costs."""
    lines = "\n".join(
        f"  {line.quantity} x {line.sku} at {line.unit_price}" for line in event.lines
    )
    text = f"{GREETING}we have your order {event.order_id}:\n\n{lines}\n\nTotal: {event.total}"
    return Mail(
        contact_id=event.contact_id,
        about=event.order_id,
        kind="confirmation",
        title="Your order is confirmed",
        text=text + REGARDS,
    )


@email.on(UserRegistered)
def welcome(event: UserRegistered, session: BatchSession) -> Mail:
    """Somebody registered: welcome them."""
    return Mail(
        contact_id=event.contact_id,
        about=event.customer_id,
        kind="welcome",
        title="Welcome",
        text=f"{GREETING}good to have you with us.{REGARDS}",
    )


def record(mail: Mail, outcome: Outcome, session: BatchSession) -> None:
    """Remember what was sent; what was refused becomes a dead letter."""
    if isinstance(outcome, Done):
        event_id = session.info["envelope"].id
        session.add(MailRow(event_id=event_id, subject=mail.about, kind=mail.kind))


email.performs(Mail, record=record)(smtp.send)
