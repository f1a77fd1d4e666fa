"""Doing what is to be done outside: perform many at once, then record the outcomes in slices.

An intent was stored in the transaction that wanted it, with a lease, and handed over in memory;
what a process leaves behind is taken again when its lease runs out. The performer runs outside any
transaction, under a deadline. An outcome is recorded by compare-and-set: only while the intent is
still pending, never because of a lease.
"""

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta
from time import time_ns
from typing import Any

import aiohttp
import structlog
import uvloop
from sqlalchemy import delete, func, select, update

from contracts.delivery.envelope import read_envelope
from contracts.delivery.inbox import OUTAGES, Inbox
from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Refused, Service, Unsure
from contracts.delivery.tables import intents
from contracts.delivery.turn import Stored, Turn
from contracts.delivery.watch import Watch
from contracts.messages.base import Command
from contracts.messages.catalogue import read
from contracts.runtime import telemetry
from contracts.runtime.bulk import among, update_rows
from contracts.runtime.contacts import Contacts
from contracts.runtime.crash import passing
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from contracts.runtime.tokens import mint

log = structlog.get_logger()
LEASE = timedelta(seconds=60)
SLICE = 100
SHORTEST_SECONDS = 2.0
WAITING_MOST = 1000
LINGER_SECONDS = 0.05


class Performers:
    """Performs the intents of one service in an event loop of its own thread."""

    def __init__(self, service: Service, db: Database, settings: Settings) -> None:
        self._service, self._db, self._settings = service, db, settings
        self._watch = Watch(service)
        self._kinds = {kind.__name__: kind for kind in service.performed}
        self._loop = uvloop.new_event_loop()
        self._taken: set[str] = set()
        self._outcomes: list[tuple[Stored, Outcome]] = []
        self._something = asyncio.Event()
        self._inbox: Inbox | None = None
        self.resting = False  # the service is paused: what is not under way outside is left
        self._thread = threading.Thread(target=self._run, name=f"perform {service.name}")

    def start(self, inbox: Inbox) -> None:
        """Begin to perform; outcomes are recorded and sent through `inbox`."""
        self._inbox = inbox
        if self._kinds:
            self._thread.daemon = True
            self._thread.start()

    def stop(self) -> None:
        """End; what is under way is taken again by whoever comes next."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)

    def take(self, wanted: Sequence[Stored]) -> None:
        """Perform these soon, from any thread; too many, and what comes during a pause, are left
        for `due`, due at once."""
        if not self._thread.is_alive():
            return
        if len(self._taken) < WAITING_MOST and not self.resting:
            self._loop.call_soon_threadsafe(self._begin, list(wanted))
        else:
            self._leave([stored.id for stored in wanted])

    def _leave(self, ids: Sequence[str]) -> None:
        with self._db.transaction() as session:
            session.execute(_LEFT, {"among": ids})

    def due(self, limit: int) -> int:
        """Take what fell due and nobody performs; how many."""
        room = min(limit, WAITING_MOST - len(self._taken))
        if not self._kinds or room <= 0:
            return 0
        with self._db.transaction() as session:
            rows = session.execute(_claim(room)).all()
        self.take([self._stored(row) for row in rows])
        return len(rows)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.create_task(self._serve())
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _serve(self) -> None:
        token = mint(self._settings, "service", self._service.name, timedelta(days=365))
        self._limits = {k: asyncio.Semaphore(kind.at_once) for k, kind in self._kinds.items()}
        async with aiohttp.ClientSession() as http:
            contacts = Contacts(http, self._settings.internal_url, token)
            self._outside = Outside(self._settings, http, contacts)
            while True:
                await self._something.wait()
                if len(self._outcomes) < len(self._taken):
                    await asyncio.sleep(LINGER_SECONDS)  # more are on their way
                self._something.clear()
                slices, self._outcomes = self._outcomes, []
                for at in range(0, len(slices), SLICE):
                    await asyncio.to_thread(self._record, slices[at : at + SLICE])

    def _begin(self, wanted: list[Stored]) -> None:
        for stored in wanted:
            if stored.id not in self._taken:
                self._taken.add(stored.id)
                self._loop.create_task(self._one(stored))

    async def _one(self, stored: Stored) -> None:
        kind = type(stored.intent)
        telemetry.about.set(stored.envelope)
        async with self._limits[kind.__name__]:
            if self.resting:  # its lease runs out, and whoever is not paused takes it
                return self._taken.discard(stored.id)
            began = time_ns()
            try:
                async with asyncio.timeout(self._deadline_seconds(kind)):
                    passing("before-send")
                    outcome = await self._service.performed[kind].perform(
                        stored.intent, self._outside
                    )
                passing("answered-before-commit")
            except TimeoutError:
                waited = self._deadline_seconds(kind)
                outcome = Unsure(reason=f"no answer within {waited:g} s")
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                self._watch.performed(stored, None, began, reason)
                return await self._later(stored, reason)
        self._watch.performed(stored, outcome, began)
        self._finish(stored, outcome)

    def _deadline_seconds(self, kind: type[Intent]) -> float:
        return self._settings.wait(kind.deadline_seconds, SHORTEST_SECONDS).total_seconds()

    def _finish(self, stored: Stored, outcome: Outcome) -> None:
        self._outcomes.append((stored, outcome))
        self._something.set()

    async def _later(self, stored: Stored, reason: str) -> None:
        """Put off what failed before it could be decided; at the limit nobody knows."""
        log.warning("not performed", id=stored.id, kind=type(stored.intent).__name__, reason=reason)
        if stored.attempts + 1 >= type(stored.intent).attempts:
            return self._finish(stored, Unsure(reason=reason))
        try:
            await asyncio.to_thread(self._put_off, stored, reason)
        finally:
            self._taken.discard(stored.id)

    def _put_off(self, stored: Stored, reason: str) -> None:
        """It falls due again; who published the event that wanted it sees why it takes so long."""
        assert self._inbox
        event, attempts = stored.envelope, stored.attempts + 1
        wait = self._service.retries.after(attempts) * self._settings.time_scale
        with self._db.session() as session, session.begin():
            turn = Turn(self._service, session, self._inbox.lease)
            mine = update(intents).where(intents.c.id == stored.id, intents.c.state == "pending")
            later = mine.values(attempts=attempts, due_at=func.now() + wait)
            put_off = session.scalar(later.returning(intents.c.id))
        if put_off and event and not isinstance(event.message, Command):
            turn.receipt(event, "retrying", attempts, reason)
        self._inbox.let_out(turn)

    def _record(self, outcomes: Sequence[tuple[Stored, Outcome]]) -> None:
        assert self._inbox
        try:
            self._record_slice(outcomes)
        except Exception as error:
            if len(outcomes) > 1 and not isinstance(error, OUTAGES):
                for one in outcomes:
                    self._record([one])
            else:  # its lease runs out, and it is performed again under the same key
                told = [stored.envelope.ids() for stored, _ in outcomes[:1] if stored.envelope]
                log.error("outcome not recorded", reason=str(error), **dict(*told))
        finally:
            self._taken.difference_update(stored.id for stored, _ in outcomes)

    def _record_slice(self, outcomes: Sequence[tuple[Stored, Outcome]]) -> None:
        assert self._inbox
        with self._db.session() as session, session.begin():
            turn = Turn(self._service, session, self._inbox.lease)
            pending = _still_pending(session, [stored.id for stored, _ in outcomes])
            mine = [(s, o) for s, o in outcomes if s.id in pending]
            performed = self._service.performed
            turn.load([(performed[type(s.intent)], s.intent) for s, _ in mine])
            for stored, outcome in mine:
                self._decide(turn, stored, outcome)
            over = [stored.id for stored, outcome in mine if _leaves_no_trace(stored, outcome)]
            kept = [_outcome_row(s, o) for s, o in mine if s.id not in over]
            update_rows(session, intents, kept)
            turn.write()
            if over:
                session.execute(_OVER, {"among": over})
            passing("effect-before-commit")
        self._inbox.let_out(turn)

    def _decide(self, turn: Turn, stored: Stored, outcome: Outcome) -> None:
        record = self._service.performed[type(stored.intent)].record
        turn.session.info["envelope"] = stored.envelope
        answer = record(stored.intent, outcome, turn.session) if record else None
        if stored.envelope is None:
            return turn.want(answer) if isinstance(answer, Intent) else None
        about = stored.envelope.message
        if isinstance(answer, Intent) or isinstance(about, Command) or isinstance(outcome, Done):
            turn.record(stored.envelope, answer)
        else:
            turn.give_up(stored.envelope, stored.attempts + 1, outcome.reason)
        return None

    def _stored(self, row: Any) -> Stored:
        intent = read(self._kinds[row.kind], row.body)
        envelope = read_envelope(row.envelope) if row.envelope else None
        return Stored(str(row.id), intent, envelope, row.attempts)


def _claim(limit: int) -> Any:
    due = (
        select(intents.c.id)
        .where(intents.c.state == "pending", intents.c.due_at <= func.now())
        .order_by(intents.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (
        update(intents)
        .where(intents.c.id.in_(due))
        .values(due_at=func.now() + LEASE)
        .returning(
            intents.c.id, intents.c.kind, intents.c.body, intents.c.envelope, intents.c.attempts
        )
    )


def _still_pending(session: Any, ids: list[str]) -> set[str]:
    """Lock the intents whose outcome nobody recorded yet."""
    return set(session.scalars(_PENDING, {"among": ids}))


def _leaves_no_trace(stored: Stored, outcome: Outcome) -> bool:
    """What nobody's message wanted; and what is not to be kept, unless it may be replayed."""
    return stored.envelope is None or (not stored.intent.kept and isinstance(outcome, Done))


def _outcome_row(stored: Stored, outcome: Outcome) -> dict[str, Any]:
    state = {Done: "done", Refused: "refused", Unsure: "unsure"}[type(outcome)]
    return {"id": stored.id, "state": state, "outcome": outcome}


_OF_THESE = among(intents.c.id) & (intents.c.state == "pending")
_OVER = delete(intents).where(among(intents.c.id))
_LEFT = update(intents).where(_OF_THESE).values(due_at=func.now())
_PENDING = select(intents.c.id).where(_OF_THESE).order_by(intents.c.id).with_for_update()
