"""One participant on a real database, asked as the orchestrator asks it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import create_engine, text

from contracts.delivery.due import Host
from contracts.delivery.envelope import Envelope
from contracts.delivery.memory import Memory
from contracts.delivery.outbox import TRAIL
from contracts.delivery.service import Service
from contracts.messages.base import Command, Message
from contracts.messages.orders import OrderConfirmed, confirmation
from contracts.messages.trail import Receipt, Receipts
from contracts.messages.values import MessageId, OrderId, stamped
from contracts.runtime.settings import Settings
from deploy.migrate import migrate
from tests.counting import statements
from tests.simulators.running import until

NUMBERS = count(1)
DATABASE = "participants"
SIGNING_KEY = "k" * 40


@dataclass
class Bench:
    """The participant, and what it answered to which command."""

    host: Host
    memory: Memory
    heard: dict[str, Message] = field(default_factory=dict)
    told: list[Receipt] = field(default_factory=list)

    def send(self, command: Command[Any]) -> Envelope:
        """Send a command under a new id; its answer comes later."""
        return self.send_all([command])[0]

    def send_all(self, messages: Sequence[Message]) -> list[Envelope]:
        """Send commands and events in one batch, each under an id of its own."""
        now = datetime.now(UTC)
        moments = (now + timedelta(milliseconds=n) for n in range(len(messages)))
        envelopes = [_wrapped(message, at) for message, at in zip(messages, moments, strict=True)]
        self.host.receive(envelopes)
        return envelopes

    def ask(self, command: Command[Any]) -> Any:
        """Send a command and wait for its answer."""
        return self.answer(self.send(command))

    def answer(self, envelope: Envelope) -> Any:
        """Wait for the answer to a command that was sent."""
        return until(lambda: self._listen().get(envelope.id))

    def receipts(self, event: Envelope, count: int = 1) -> list[tuple[str, int, str]]:
        """What the trail was told of an event, `count` times at least: state, attempts, reason."""
        return until(lambda: said if len(said := self._told(event)) >= count else [])

    def _told(self, event: Envelope) -> list[tuple[str, int, str]]:
        waiting = self.memory._queues[TRAIL]
        while not waiting.empty():
            said = [envelope.message for envelope in waiting.get_nowait() or ()]
            self.told += [r for one in said if isinstance(one, Receipts) for r in one.receipts]
        return [(r.state, r.attempts, r.reason) for r in self.told if r.event_id == event.id]

    def statements(self, messages: Sequence[Message], *about: str) -> int:
        """How many statements that name one of `about` it takes to handle these in one batch."""
        return len(statements(self.host.db.engine, lambda: self.send_all(messages), *about))

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What `query` finds; nothing for a change."""
        with self.host.db.transaction() as session:
            found: Any = session.execute(text(query), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def _listen(self) -> dict[str, Message]:
        waiting = self.memory._queues["asker"]
        while not waiting.empty():
            for said in waiting.get_nowait() or ():
                assert said.cause
                self.heard[said.cause] = said.message
        return self.heard


@contextmanager
def bench(service: Service, database_url: str, **more: Any) -> Iterator[Bench]:
    """The participant at work while the block lasts, with quick retries."""
    config = Settings(
        database_url=database_url,
        due_seconds=0.02,
        time_scale=0.1,
        signing_key=SIGNING_KEY,
        **more,
    )
    memory = Memory(config)
    for name in ("asker", TRAIL):
        memory.host(Service(name))
    host = memory.host(service)
    host.start()
    try:
        yield Bench(host, memory)
    finally:
        host.stop()


def migrated(admin_url: str, name: str = DATABASE) -> str:
    """The address of a database with every service's tables, made at the first call."""
    engine = create_engine(_driven(admin_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = connection.scalar(text(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))
        if not known:
            connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    url = f"{admin_url.rsplit('/', 1)[0]}/{name}"
    migrate(url, {})
    return url


def new_order() -> OrderId:
    """The id of an order nobody has used."""
    return OrderId(stamped(datetime.now(UTC), "order", str(next(NUMBERS))))


def _wrapped(message: Message, now: datetime) -> Envelope:
    """In an envelope whose id sorts as its time: a batch is handled in that order. A confirmation
    has the id that the runner gives it, which sorts as its order's."""
    new = MessageId(stamped(now, "command", str(next(NUMBERS))))
    if isinstance(message, OrderConfirmed):  # what follows a confirmation knows its id
        new = confirmation(message.order_id).id
    return Envelope(
        id=new,
        message=message,
        source="asker",
        at=now,
        subject=getattr(message, "order_id", ""),
    )


def _driven(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
