"""Starts, resumes and wakes sagas: reads them under lock, lets the core decide, stores, sends.

Whatever the core decides is stored first; its commands and events go out after the commit. What
does not go out is repaired by silence: an unfinished saga always has a wake-up time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from threading import Event as Flag
from typing import Any, NamedTuple

import structlog

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Service
from contracts.messages.base import Event, Result
from contracts.messages.catalogue import type_of
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.values import MessageId, SagaId, derived
from contracts.runtime.crash import passing
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from orchestrator.core.advance import advance
from orchestrator.core.decision import Decision
from orchestrator.core.definition import Saga, scaled
from orchestrator.core.state import (
    Answer,
    Cancelled,
    Chosen,
    Input,
    Parent,
    Reassigned,
    Start,
    State,
    Wake,
    begin,
)
from orchestrator.sagas import SAGAS
from orchestrator.shell import family, store, watch
from orchestrator.shell.store import Loaded
from orchestrator.shell.tables import JournalRow

log = structlog.get_logger()
orchestrator = Service("orchestrator", decides_in=JournalRow.__tablename__)
WAKE_LIMIT = 200
EVERY = timedelta(seconds=0.1)
CROWDED = Flag()  # more sagas are under way than there is room for, as this process last saw


class Beginning(NamedTuple):
    """A saga to be started; a child has a parent that waits for it."""

    saga: Saga
    saga_id: SagaId
    subject: str
    data: Any
    parent: Parent | None = None


@cache
def definition(name: str, version: int) -> Saga:
    """The definition of a saga with its waits scaled as this deployment says."""
    return scaled(SAGAS[name, version], settings().time_scale)


def start(session: BatchSession, beginnings: Sequence[Beginning]) -> None:
    """Store these sagas, and let them begin at once unless too many are under way; a child takes
    the room of its parent."""
    if not beginnings:
        return
    room, at = _room(session)
    loaded = []
    for place, (saga, saga_id, subject, data, parent) in enumerate(beginnings):
        one = definition(saga.name, saga.version)
        accepted = Loaded(begin(one, saga_id, data, at, parent), subject, new=True)
        if place < room or parent:
            _advance(accepted, Start(at=at))
        loaded.append(accepted)
    _keep(session, loaded, at)


@orchestrator.answers
def resume(answers: Sequence[Envelope], session: BatchSession) -> None:
    """Fold the results that came into their sagas, each under one lock, in the order they came.

    In the place of each saga that ends another may begin; one that had ended before and gets a late
    answer leaves no place, nor does one that was too many.
    """
    by_saga: dict[SagaId, list[Envelope]] = {}
    for envelope in answers:
        if envelope.saga and envelope.cause and isinstance(envelope.message, Result):
            by_saga.setdefault(SagaId(envelope.saga), []).append(envelope)
    sagas = {saga.state.id: saga for saga in store.known(session, by_saga, definition)}
    at = store.now(session)
    outdated = [i for i, saga in sagas.items() if not _told(saga, by_saga[i], at) and saga.known]
    for saga in store.load(session, outdated, definition):
        _told(saga, by_saga[saga.state.id], at)
        sagas[saga.state.id] = saga
    ended = sum(bool(saga.decided) and saga.state.finished for saga in sagas.values())
    places = 0 if CROWDED.is_set() else ended
    _keep(session, [*sagas.values(), *_begun(session, places, at)], at)


@orchestrator.chore(every=EVERY)
def wake(session: BatchSession) -> int:
    """Wake the sagas whose time has come; the database's clock says which."""
    sagas = store.due(session, WAKE_LIMIT, definition)
    if not sagas:
        return 0
    passing("claimed")
    at = store.now(session)
    early = [saga for saga in sagas if _advance(saga, Wake(at=at)).ignored is not None]
    store.sleep(session, early)
    _keep(session, sagas, at)
    passing("fired-before-commit")
    return len(sagas)


@orchestrator.chore(every=EVERY)
def admit(session: BatchSession) -> int:
    """Let accepted sagas begin while there is room for them, oldest first."""
    room, at = _room(session)
    sagas = _begun(session, min(room, WAKE_LIMIT), at)
    _keep(session, sagas, at)
    return len(sagas)


def _room(session: BatchSession) -> tuple[int, datetime]:
    """How many sagas may begin, negative when too many have; and the time. Sagas come back from
    reviews, and limits are changed: then none begins until enough have ended."""
    begun, at = store.in_flight(session)
    room = settings().in_flight_sagas - begun
    (CROWDED.set if room < 0 else CROWDED.clear)()
    return room, at


def _begun(session: BatchSession, room: int, at: datetime) -> list[Loaded]:
    """Begin up to `room` accepted sagas, oldest first."""
    sagas = store.unstarted(session, room, definition) if room > 0 else []
    for saga in sagas:
        _advance(saga, Start(at=at))
    return sagas


def found(session: BatchSession, saga_id: SagaId) -> Loaded | None:
    """The saga, locked; None when there is none."""
    return next(iter(store.load(session, [saga_id], definition)), None)


def tell(
    session: BatchSession, saga: Loaded, kind: type[Chosen | Reassigned | Cancelled], **said: Any
) -> Decision:
    """Tell a saga that is locked what a person wants of it."""
    return take(session, saga, kind(at=store.now(session), **said))


def take(session: BatchSession, saga: Loaded, given: Input) -> Decision:
    """Let a saga that is locked decide about this, and keep what it decided."""
    decision = _advance(saga, given)
    _keep(session, [saga], given.at)
    return decision


def judged(saga: Loaded, given: Input) -> Decision:
    """What the saga would decide about this."""
    return advance(definition(saga.state.saga, saga.state.saga_version), saga.state, given)


def _told(saga: Loaded, answers: Sequence[Envelope], at: datetime) -> bool:
    """Tell a saga what was answered; whether all of it meant something to it."""
    told = [
        _advance(saga, Answer(at=at, command_id=answer.cause, result=answer.message))  # type: ignore[arg-type]
        for answer in answers
    ]
    return all(decision.ignored is None for decision in told)


def _advance(saga: Loaded, given: Input) -> Decision:
    decision = judged(saga, given)
    if decision.ignored is not None:
        log.debug("ignored", saga=saga.state.id, because=decision.ignored)
        return decision
    saga.take(given, decision)
    return decision


def _keep(session: BatchSession, sagas: Sequence[Loaded], at: datetime) -> None:
    """Store what was decided about these sagas; what follows from it goes out after the commit."""
    store.save(session, sagas, at)
    watch.decided(session, sagas)
    ended = [saga.state for saga in sagas if saga.decided and saga.state.finished]
    if children := [state for state in ended if state.parent]:
        family.ended(session, children, at)
    for saga in sagas:
        for given, decision in saga.decided:
            _let_out(session, saga, given, decision)


def _let_out(session: BatchSession, saga: Loaded, given: Input, decision: Decision) -> None:
    for send in decision.commands:
        message = Envelope(
            id=send.id,
            message=send.command,
            source=orchestrator.name,
            at=given.at,
            subject=saga.subject,
            saga=saga.state.id,
            again=send.sending > 1,
        )
        session.info["send"].append((type(send.command).to, message))
    session.info["events"].extend(_event(saga, given, event) for event in decision.events)


def _event(saga: Loaded, given: Input, event: Event) -> Envelope:
    which = event.review_id if isinstance(event, ManualReviewRequired) else ""
    state: State = saga.state
    return Envelope(
        id=MessageId(derived(state.id, type_of(type(event)), which)),
        message=event,
        source=orchestrator.name,
        at=given.at,
        subject=saga.subject,
        saga=state.id,
        cause=given.command_id if isinstance(given, Answer) else None,
    )
