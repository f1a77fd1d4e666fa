"""Keeps sagas: loads and locks many at once, and saves what was decided about them together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import structs
from sqlalchemy import Text, Uuid, all_, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from contracts.messages.catalogue import packed, read, unpacked
from contracts.messages.values import SagaId
from contracts.runtime.bulk import among, insert_rows, update_rows
from contracts.runtime.session import BatchSession
from orchestrator.core import tell
from orchestrator.core.decision import Decision
from orchestrator.core.definition import Saga
from orchestrator.core.state import Answer, Cancelled, Input, Resumed, State
from orchestrator.core.turn import JITTER
from orchestrator.sagas import PARENTAL
from orchestrator.shell import clock, recent
from orchestrator.shell.recent import Recent
from orchestrator.shell.tables import ACCEPTED, JournalRow, ReviewRow, SagaRow

# Who resumes a saga finds what was answered while it was paused.
CLOSED_BY = {Answer: "answered", Resumed: "answered", Cancelled: "cancelled"}
SAGAS, JOURNAL, REVIEWS = SagaRow.__table__, JournalRow.__table__, ReviewRow.__table__
COLUMNS = SAGAS.c

FAILURE_CHARACTERS = 500  # of what a list shows and is searched in; an index holds it


@dataclass
class Loaded:
    """A saga as it was read, or is `known` without reading, and what has been decided since."""

    state: State
    subject: str
    wake_at: datetime | None = None
    new: bool = False
    known: bool = False
    decided: list[tuple[Input, Decision]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = self.state
        self.review = self.state.review
        self.data = self.state.data

    def take(self, given: Input, decision: Decision) -> None:
        """Remember a decision that changed something."""
        self.decided.append((given, decision))
        self.state = decision.state


def known(session: BatchSession, ids: Collection[SagaId], sagas: Any) -> list[Loaded]:
    """These sagas, in order of their ids: those that this process decided last as they are known,
    the others locked and read."""
    found = {saga.state.id: Loaded(*saga, known=True) for saga in recent.taken(session, ids)}
    read = load(session, [saga_id for saga_id in ids if saga_id not in found], sagas)
    found |= {saga.state.id: saga for saga in read}
    return [found[saga_id] for saga_id in sorted(found)]


def load(session: BatchSession, ids: Collection[SagaId], sagas: Any) -> list[Loaded]:
    """These sagas, locked in order of their ids."""
    rows = session.execute(_LOCKED, {"among": sorted(ids)}) if ids else ()
    return [loaded(row, sagas) for row in rows]


def due(session: BatchSession, limit: int, sagas: Any) -> list[Loaded]:
    """Sagas whose time has come and that nobody else holds, locked."""
    return [loaded(row, sagas) for row in session.execute(_DUE, {"most": limit})]


def unstarted(session: BatchSession, limit: int, sagas: Any) -> list[Loaded]:
    """Sagas that were accepted and wait to begin, oldest first, locked."""
    return [loaded(row, sagas) for row in session.execute(_UNSTARTED, {"most": limit})]


def in_flight(session: BatchSession) -> tuple[int, datetime]:
    """How many sagas have begun and neither ended nor wait for a person or for their children; and
    the time."""
    count, at = session.execute(_BEGUN, {"parental": list(PARENTAL)}).one()
    clock.look(at)
    return count, at


def now(session: BatchSession) -> datetime:
    """The database's time, which is the only one that sagas know."""
    return clock.now() or clock.look(session.scalar(select(func.clock_timestamp())))


def loaded(row: Any, sagas: Any) -> Loaded:
    """A saga out of its row; `sagas(name, version)` gives its definition."""
    definition: Saga = sagas(row.name, row.definition)
    state = read(State, row.state)
    data = read(definition.data, row.data)
    return Loaded(structs.replace(state, data=data), row.subject, row.wake_at)


def save(session: BatchSession, loaded: Sequence[Loaded], at: datetime) -> None:
    """Write down every saga that changed: its row, its journal, its reviews."""
    changed = [saga for saga in loaded if saga.decided]
    fresh = [_row(saga, at) for saga in loaded if saga.new]
    insert_rows(session, SAGAS, fresh)
    old = [saga for saga in changed if not saga.new]
    learned = [saga for saga in old if saga.state.data is not saga.data]
    update_rows(session, SAGAS, [_row(saga, at) for saga in learned])
    unlearned = [saga for saga in old if saga.state.data is saga.data]
    update_rows(session, SAGAS, [_standing(saga, at) for saga in unlearned])
    insert_rows(session, JOURNAL, [row for saga in changed for row in _journal(saga)])
    _reviews(session, changed)
    kept = [saga for saga in loaded if saga.new or saga.decided]
    recent.remember(session, [Recent(saga.state, saga.subject, saga.wake_at) for saga in kept])


def sleep(session: BatchSession, early: Sequence[Loaded]) -> None:
    """Let sagas that were woken before anything was due sleep until something is."""
    rows = [{"id": saga.state.id, "wake_at": saga.state.wake_at} for saga in early]
    update_rows(session, SAGAS, rows)


def _row(saga: Loaded, at: datetime) -> dict[str, Any]:
    state = saga.state
    return {
        **_standing(saga, at),
        "name": state.saga,
        "definition": state.saga_version,
        "subject": saga.subject,
        "started_at": state.started_at,
        "parent": state.parent and state.parent.saga,
        "data": state.data,
    }


def _standing(saga: Loaded, at: datetime) -> dict[str, Any]:
    """What every decision changes."""
    state, step = saga.state, tell.current(saga.state)
    saga.wake_at = _wake_at(saga, at)
    return {
        "id": state.id,
        "version": state.version,
        "status": state.status if state.version else ACCEPTED,
        "step": step,
        "failure": state.why[:FAILURE_CHARACTERS],
        "paused": state.paused is not None,
        "retrying": tell.is_retrying(state) and step not in PARENTAL,
        "changed_at": at,
        "wake_at": saga.wake_at,
        "state": structs.replace(state, data=None),
    }


def _wake_at(saga: Loaded, at: datetime) -> datetime | None:
    """When to look at the saga: as was intended, if that is still to come and early enough; else so
    early that what is sent next, waited for as long, is not due before."""
    intended, due = saga.wake_at, saga.state.wake_at
    if due is None or (intended and at < intended < due):
        return due and intended
    return at + (due - at) / (1 + JITTER)


def _journal(saga: Loaded) -> list[dict[str, Any]]:
    return [
        {
            "saga_id": saga.state.id,
            "version": decision.state.version,
            "at": given.at,
            "input": packed_input(given),
            "notes": list(decision.notes),
            "commands": [
                {
                    "id": send.id,
                    "type": type(send.command).__name__,
                    "to": type(send.command).to,
                    "step": send.step,
                    "kind": send.kind,
                    "attempt": send.attempt,
                    "sending": send.sending,
                }
                for send in decision.commands
            ],
        }
        for given, decision in saga.decided
    ]


def packed_input(given: Input) -> dict[str, Any]:
    """An input as the journal keeps it."""
    if isinstance(given, Answer):
        result = packed(given.result)
        return {
            "kind": "Answer",
            "at": given.at.isoformat(),
            "command_id": given.command_id,
            "result": result,
        }
    return {"kind": type(given).__name__, **structs.asdict(given)}


def unpacked_input(stored: dict[str, Any]) -> Input:
    """The input out of what `packed_input` made."""
    from orchestrator.core import state as inputs

    kind: type[Any] = getattr(inputs, stored["kind"])
    rest = {name: value for name, value in stored.items() if name != "kind"}
    if kind is Answer:
        at = datetime.fromisoformat(rest["at"])
        result: Any = unpacked(rest["result"])
        return Answer(at=at, command_id=rest["command_id"], result=result)
    given: Input = read(kind, rest)
    return given


def _reviews(session: BatchSession, changed: Sequence[Loaded]) -> None:
    decisions = [(saga, decision) for saga in changed for _, decision in saga.decided]
    opened = [_review_row(saga, review) for saga, each in decisions for review in each.reviews]
    insert_rows(session, REVIEWS, opened)
    update_rows(session, REVIEWS, [_moved(saga.state.review) for saga in changed if _stands(saga)])
    closed = [row for saga in changed for row in _closed(saga)]
    if closed:
        session.execute(_CLOSED, closed)


def _stands(saga: Loaded) -> bool:
    """Whether the saga's review is still the one it was, asked of others or for longer."""
    now, before = saga.state.review, saga.review
    return bool(now and before and now.id == before.id and now != before)


def _moved(review: Any) -> dict[str, Any]:
    return {"id": review.id, "owner": review.owner, "until": review.until}


def _review_row(saga: Loaded, review: Any) -> dict[str, Any]:
    return {
        "id": review.id,
        "saga_id": saga.state.id,
        "subject": saga.subject,
        "step": review.step,
        "question": review.question,
        "owner": review.owner,
        "opened_at": review.opened_at,
        "until": review.until,
        "choices": list(review.choices),
        "otherwise": review.then,
        "not_by": list(review.not_by),
        "claimed_by": None,
        "claimed_at": None,
        "closed_at": None,
        "choice": "",
        "decided_by": "",
        "reason": "",
    }


def _closed(saga: Loaded) -> list[dict[str, Any]]:
    """The saga's open review is closed unless it is the one that is open now: by a person, by its
    time (`ran out`), by a cancel, or by an answer that came after all (`answered`)."""
    if not (saga.review or any(decision.reviews for _, decision in saga.decided)):
        return []
    given = saga.decided[-1][0]
    return [
        {
            "saga": saga.state.id,
            "open": saga.state.review.id if saga.state.review else "",
            "closed_at": given.at,
            "choice": getattr(given, "choice", CLOSED_BY.get(type(given), "ran out")),
            "decided_by": getattr(given, "by", ""),
            "reason": getattr(given, "reason", ""),
        }
    ]


_LOCKED = select(SAGAS).where(among(COLUMNS.id)).order_by(COLUMNS.id).with_for_update()
_MANY = select(SAGAS).limit(bindparam("most")).with_for_update(skip_locked=True)
# A parameter would hide it from the partial indexes.
_WAITING: Any = literal_column(f"'{ACCEPTED}'")
_DUE = _MANY.where(COLUMNS.wake_at <= func.now(), COLUMNS.status != _WAITING).order_by(
    COLUMNS.wake_at
)
_UNSTARTED = _MANY.where(COLUMNS.status == _WAITING).order_by(COLUMNS.id)
_BEGUN = (
    select(func.count(), func.clock_timestamp())
    .select_from(SAGAS)
    .where(
        COLUMNS.status.in_(("running", "undoing")),
        COLUMNS.step != all_(bindparam("parental", type_=ARRAY(Text))),
    )
)
_CLOSED = (
    update(ReviewRow.__table__)  # type: ignore[arg-type]
    .where(
        ReviewRow.__table__.c.saga_id == bindparam("saga", type_=Uuid(as_uuid=False)),
        ReviewRow.__table__.c.closed_at.is_(None),
        ReviewRow.__table__.c.id != bindparam("open"),
    )
    .values({name: bindparam(name) for name in ("closed_at", "choice", "decided_by", "reason")})
)
