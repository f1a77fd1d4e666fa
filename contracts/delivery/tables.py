"""What delivery remembers in the schema of every service.

The tables name no schema: a service's connection has its own as the only search path.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)

metadata = MetaData()
_NOW = func.now()


def _id() -> Column[str]:
    return Column("id", Uuid(as_uuid=False), primary_key=True)


def _time(name: str, **options: object) -> Column[object]:
    return Column(name, DateTime(timezone=True), **options)  # type: ignore[arg-type]


# What was received and took effect. `result` answers a duplicate; `settled` is false while an
# intent of this message has not been recorded.
inbox = Table(
    "inbox",
    metadata,
    _id(),
    _time("at", nullable=False, server_default=_NOW),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("result", JSON),
)

# How often something was begun that has not taken effect; `due_at` when it is tried next. What was
# only kept, during a pause, was never begun and has no error.
attempts = Table(
    "attempts",
    metadata,
    _id(),
    Column("count", Integer, nullable=False),
    _time("at", nullable=False, server_default=_NOW),
    _time("due_at"),
    Column("error", Text),
    Column("envelope", JSON),
)

# The pause of the service, if there is one: one row at most.
pauses = Table(
    "pauses",
    metadata,
    Column("one", Boolean, CheckConstraint("one"), primary_key=True),
    Column("by", Text, nullable=False),
    _time("at", nullable=False),
    _time("until", nullable=False),
    Column("reason", Text, nullable=False),
)

# Events to be published, kept until the trail has them.
outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    _time("at", nullable=False, server_default=_NOW),
    Column("envelope", JSON, nullable=False),
    _time("sent_at"),
    _time("due_at", nullable=False),
)

# What is to be done outside: stored before it is done, with the message that wanted it, if any.
intents = Table(
    "intents",
    metadata,
    _id(),
    _time("at", nullable=False, server_default=_NOW),
    Column("kind", Text, nullable=False),
    Column("body", JSON, nullable=False),
    Column("envelope", JSON),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _time("due_at", nullable=False),
    Column("outcome", JSON),
)

# What could not be handled, with the reason; replayed to this service alone.
dead_letters = Table(
    "dead_letters",
    metadata,
    _id(),
    _time("at", nullable=False, server_default=_NOW),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("envelope", JSON),
    Column("raw", Text),
)

# Who gets which event; `concerto topology apply` writes it.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("event", Text, primary_key=True),
    Column("subscriber", Text, primary_key=True),
)

Index("attempts_due", attempts.c.due_at, postgresql_where=attempts.c.due_at.isnot(None))
Index("dead_letters_at", dead_letters.c.at)
Index("outbox_due", outbox.c.due_at)
Index("intents_due", intents.c.due_at, postgresql_where=intents.c.state == "pending")


def create_delivery_tables(op: object) -> None:
    """Create them in the schema being migrated; called first by every service's first revision."""
    bind = op.get_bind()  # type: ignore[attr-defined]  # alembic's op is a module of proxies
    metadata.create_all(bind, checkfirst=False)
