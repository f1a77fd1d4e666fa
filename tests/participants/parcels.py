"""What tests of shipping say and see: carriers at work, wishes, parcels, how a shipment stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from contracts.delivery.envelope import Envelope
from contracts.messages.base import Command
from contracts.messages.shipping import StartShipping
from contracts.messages.values import ContactId, MessageId, OrderId, SagaId, stamped
from contracts.runtime.contacts import Contact
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from participants.shipping.carrier import NOT_FOUND_BELIEVED_AFTER
from participants.shipping.handlers import shipping
from participants.users import http as users
from participants.users.remember import remember
from tests.edge import served
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.simulators.running import Running, until

GOOD = "YO1 7HH"


@dataclass
class Depot:
    """Shipping at work, the carriers it asks, and where addresses are kept."""

    desk: Bench
    carriers: Running
    people: Database

    def start(
        self,
        order: OrderId | None = None,
        postcode: str = GOOD,
        speed: str = "",
        country: str = "GB",
    ) -> StartShipping:
        """A command to ship this order, or a new one, to somebody at `postcode`."""
        order = order or new_order()
        contact = ContactId(stamped(datetime.now(UTC), "contact", order, postcode))
        where = {"line1": "1 Road", "city": "York", "country": country} if postcode else {}
        remember(self.people, [Contact(contact_id=contact, name="N", postcode=postcode, **where)])
        return StartShipping(order_id=order, contact_id=contact, lines=(), speed=speed)

    def parcels(self, order: OrderId) -> list[tuple[str, str]]:
        """Carriers and tracking numbers of the parcels that were taken for this order."""
        taken = self.carriers.records(reference=order)
        return [(record["carrier"], record["tracking"]) for record in taken]

    def shipment(self, order: OrderId) -> dict[str, Any]:
        """Its row; empty when there is none."""
        query = "SELECT to_jsonb(s) FROM shipments s WHERE order_id = :o"
        found = self.desk.rows(query, o=order)
        return dict(found[0][0]) if found else {}

    def becomes(self, order: OrderId, **wanted: Any) -> None:
        """Wait until the shipment stands so."""
        until(lambda: wanted.items() <= self.shipment(order).items())

    def calls(self, order: OrderId) -> list[str]:
        """The kinds of calls that were wanted for this order, sorted."""
        query = "SELECT kind FROM intents WHERE body->>'order_id' = :o ORDER BY kind"
        return [kind for (kind,) in self.desk.rows(query, o=order)]

    def published(self, order: OrderId) -> list[str]:
        """What was published about this order, in order."""
        query = (
            "SELECT envelope->>'type' FROM outbox WHERE envelope->>'subject' = :o ORDER BY position"
        )
        return [kind.split(".")[1] for (kind,) in self.desk.rows(query, o=order)]

    def much_later(self, order: OrderId) -> None:
        """The unanswered call was so long ago that what is not there is believed not to come."""
        ago = NOT_FOUND_BELIEVED_AFTER + timedelta(seconds=1)
        aged = "UPDATE shipments SET unanswered_at = unanswered_at - :ago WHERE order_id = :o"
        self.desk.rows(aged, ago=ago, o=order)

    def erase(self, wish: StartShipping) -> None:
        """Nobody knows any more where to send this order."""
        gone = "UPDATE contacts SET line1 = '', city = '', postcode = '' WHERE contact_id = :c"
        with self.people.transaction() as session:
            session.execute(text(gone), {"c": wish.contact_id})

    def ask_as(self, saga: OrderId, command: Command[Any]) -> Any:
        """The answer to a command of this saga."""
        now = datetime.now(UTC)
        envelope = Envelope(
            id=MessageId(stamped(now, "command", saga, type(command).__name__)),
            message=command,
            source="asker",
            at=now,
            subject=saga,
            saga=SagaId(saga),
        )
        self.desk.host.receive([envelope])
        return self.desk.answer(envelope)


@contextmanager
def depot(postgres: str, folder: Path) -> Iterator[Depot]:
    """Shipping at work while the block lasts, with carriers as a process and the routes of users
    beside it. It takes the fixture `signed`."""
    url = migrated(postgres)
    people = Database("users", Settings(database_url=url))
    with (
        Running("carrier", folder) as carriers,
        served(users.routes(people)) as internal,
        bench(shipping, url, carrier_url=carriers.url, internal_url=internal) as desk,
    ):
        yield Depot(desk, carriers, people)
    people.close()


@contextmanager
def changed(at_work: Depot, carrier: str, **changes: Any) -> Iterator[None]:
    """The carrier stands otherwise while the block lasts."""
    columns = ", ".join(f"{name} = :{name}" for name in changes)
    known = at_work.desk.rows(f"SELECT {', '.join(changes)} FROM carriers WHERE id = '{carrier}'")
    change = f"UPDATE carriers SET {columns} WHERE id = '{carrier}'"
    at_work.desk.rows(change, **changes)
    try:
        yield
    finally:
        at_work.desk.rows(change, **dict(zip(changes, known[0], strict=True)))
