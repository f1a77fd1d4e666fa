"""A batch in: what is new takes effect, what is known is answered again; results go out after.

One batch is one transaction. A message whose handler raises is put aside (see `attempts`) and the
batch is run again without it, so that its neighbours are unharmed. Nothing is sent before the
commit, and a commit whose outcome is unknown is simply run again: the inbox row, written with the
effect, tells whether it took place. What comes for the first time is handled without a look into
the inbox, whose key refuses a second effect; if anything is amiss, the look is taken.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from time import time_ns
from typing import Any, TypeVar

import stamina
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from contracts.delivery import outbox
from contracts.delivery.attempts import Attempts
from contracts.delivery.envelope import Envelope
from contracts.delivery.following import STORED, in_order
from contracts.delivery.outbox import Relay, Send
from contracts.delivery.service import Ignored, Service
from contracts.delivery.turn import Stored, Turn
from contracts.delivery.watch import Watch
from contracts.messages.base import Command
from contracts.messages.catalogue import unpacked
from contracts.messages.trail import Receipts
from contracts.runtime import telemetry
from contracts.runtime.crash import passing
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings

T = TypeVar("T")
log = structlog.get_logger()
OUTAGES = (OperationalError, InterfaceError)
DELIVERED = ("inbox", "intents", "outbox")


class Culprit(Exception):
    """The message that made its batch fail, and why."""

    def __init__(self, envelope: Envelope, reason: BaseException) -> None:
        super().__init__(f"{type(reason).__name__}: {reason}")
        self.envelope = envelope


class Raced(Exception):
    """Another worker took one of these messages, or what they are about, at the same time; what it
    did is known now."""


class Unnamed(Exception):
    """The batch cannot be written and nobody can tell whose fault it is: run it one by one."""


class Inbox:
    """Receives batches for one service."""

    def __init__(
        self,
        service: Service,
        db: Database,
        relay: Relay,
        send: Send,
        settings: Settings,
        perform: Callable[[Sequence[Stored]], None],
    ) -> None:
        self.service, self._db, self._relay, self._send = service, db, relay, send
        self._attempts = Attempts(service, db, settings)
        self._settings, self._perform = settings, perform
        self.lease, self._watch = relay.lease, Watch(service)

    def receive(self, batch: Sequence[Envelope]) -> None:
        """Handle a batch and send what comes of it; an exception means: deliver it again."""
        passing("received-before-begin")
        unique = sorted({e.id: e for e in batch}.values(), key=lambda e: e.id)
        self._settle(None, [e for e in unique if not e.again])
        again = [e for e in unique if e.again]
        if again:
            for key, part in self._outage_proof(self._attempts.begin, again):
                self._settle(key, part)

    def _settle(self, key: str | None, part: Sequence[Envelope]) -> None:
        """Handle messages together, or as many of them as can be; `key` is what counts them."""
        while part:
            began = time_ns()
            try:
                turn = self._at_first(key, part) or self._outage_proof(self._once, key, part)
            except Culprit as culprit:
                self.put_aside(culprit.envelope, str(culprit))
                part = [e for e in part if e.id != culprit.envelope.id]
            except Unnamed:
                for envelope in part:
                    self._settle(key, [envelope])
                return None
            else:
                passing("committed-before-ack")
                self._watch.handled(turn, part, began)
                for envelope, reason in turn.early:
                    self.put_aside(envelope, reason)
                return self.let_out(turn)

    def _at_first(self, key: str | None, part: Sequence[Envelope]) -> Turn | None:
        """Handle what comes for the first time as new; None when it must be looked up."""
        if key:
            return None
        try:
            return self._once(None, part, look=False)
        except (*OUTAGES, Culprit, Raced, Unnamed):
            return None

    def run(self, work: Callable[[BatchSession], T], *, leave: bool = False) -> T:
        """Do `work` in a transaction of this service, then let out what it put on the session; or
        `leave` its events and intents, due at once, to the worker, and send the rest."""
        lease = timedelta(0) if leave else self.lease
        turn, done = self._outage_proof(self._work, work, lease)
        if leave:
            turn.events, turn.wanted = [], []
        self.let_out(turn)
        return done  # type: ignore[no-any-return]  # what work returned

    def keep(self, batch: Sequence[Envelope]) -> None:
        """Keep a batch that comes during a pause, for `retry`; an exception means as in receive."""
        self._outage_proof(self._attempts.keep, batch)

    def retry(self, limit: int) -> int:
        """Handle what was put aside and fell due, together what was only kept, alone what failed;
        how many."""
        kept, failed = self._attempts.due(limit)
        if kept:
            self._settle(self._outage_proof(self._attempts.begin_kept, kept), kept)
        for envelope in failed:
            self.receive([envelope])
        return len(kept) + len(failed)

    def put_aside(self, envelope: Envelope, reason: str) -> None:
        """Try a message alone later, or give it up as a dead letter; tell the trail of an event."""
        state, count = self._outage_proof(self._attempts.failed, envelope, reason)
        self._watch.failed(envelope, state, count, reason)
        if isinstance(envelope.message, Command | Receipts):
            return
        with self._db.session() as session:
            turn = Turn(self.service, session, self._relay.lease)
            turn.receipt(envelope, state, count, reason)
        self.let_out(turn)

    def let_out(self, turn: Turn) -> None:
        """Send what a committed turn decided; what cannot be sent is sent again by silence."""
        if turn.outgoing:
            self._try(self._send, turn.outgoing)
        if turn.events:
            passing("claimed")
            self._try(self._relay.publish, turn.events)
        if turn.wanted:
            self._try(self._perform, turn.wanted)
        if turn.reports:
            self._try(self._relay.report, turn.reports)

    def _try(self, send: Callable[[Any], None], what: Any) -> None:
        try:
            send(what)
        except Exception as error:
            log.warning("not sent", service=self.service.name, reason=str(error))

    def _outage_proof(self, do: Callable[..., Any], *args: Any) -> Any:
        """Run again on deadlocks, races and while the database is away, for a bounded time."""
        for attempt in stamina.retry_context(
            on=(*OUTAGES, Raced), attempts=None, timeout=self._settings.outage_seconds, wait_max=5
        ):
            with attempt:
                return do(*args)

    def _work(self, work: Callable[[BatchSession], T], lease: timedelta) -> tuple[Turn, T]:
        with self._db.session() as session, session.begin():
            turn = Turn(self.service, session, lease)
            done = work(session)
            turn.write()
        return turn, done

    def _once(self, key: str | None, part: Sequence[Envelope], look: bool = True) -> Turn:
        with self._db.session() as session, session.begin():
            turn = Turn(self.service, session, self._relay.lease)
            self._decide(turn, part, look)
            passing("after-write")
            if key:
                early = {envelope.id for envelope, _ in turn.early}
                self._attempts.end(session, {key, *(e.id for e in part if e.id not in early)})
            passing("before-commit")
        return turn

    def _decide(self, turn: Turn, part: Sequence[Envelope], look: bool) -> None:
        handled = self.service.handled
        fresh = in_order(turn, self._fresh(turn, self._absorb(turn, part), look))
        turn.load([(handled[type(e.message)], e.message) for e in fresh])
        for envelope in fresh:
            self._handle(turn, envelope)
        self._write(turn, fresh)

    def _absorb(self, turn: Turn, part: Sequence[Envelope]) -> list[Envelope]:
        """Hand over what is taken by the batch and known again by its own tables; the rest."""
        told = [e.message for e in part if isinstance(e.message, Receipts)]
        if told:
            self._receipts(turn.session, told)
        others = [e for e in part if not isinstance(e.message, Receipts)]
        facts = [e for e in others if not isinstance(e.message, Command)]
        if not facts or not (self.service.logs or self.service.resumes):
            return others
        if self.service.resumes:
            self._resume(turn, facts)
        else:
            self._log(turn, facts)
        return [e for e in others if isinstance(e.message, Command)]

    def _resume(self, turn: Turn, facts: Sequence[Envelope]) -> None:
        assert self.service.resumes
        try:
            self.service.resumes(facts, turn.session)
        except DBAPIError as error:
            if self._raced(error):
                raise Raced from error
            raise

    def _fresh(self, turn: Turn, wanted: Sequence[Envelope], look: bool) -> list[Envelope]:
        """Those that have not taken effect yet; the others are answered with what is stored."""
        ids = [e.id for e in wanted] if look else []
        found = turn.session.execute(STORED, {"among": ids}) if ids else ()
        known = {row.id: row for row in found}
        for envelope in wanted:
            row = known.get(envelope.id)
            if row and row.settled:
                turn.again(envelope, unpacked(row.result) if row.result else None)
        return [e for e in wanted if e.id not in known and self._expected(turn, e)]

    def _expected(self, turn: Turn, envelope: Envelope) -> bool:
        if type(envelope.message) in self.service.handled:
            return True
        if isinstance(envelope.message, Command):
            raise Culprit(envelope, LookupError(f"{self.service.name} has no handler for it"))
        turn.ignore(envelope, Ignored("nobody", f"{self.service.name} does not subscribe to it"))
        return False

    def _handle(self, turn: Turn, envelope: Envelope) -> None:
        turn.session.info["envelope"] = envelope
        telemetry.about.set(envelope)
        try:
            answer = self.service.handled[type(envelope.message)].handler(
                envelope.message, turn.session
            )
        except OUTAGES:
            raise
        except Exception as error:
            raise Culprit(envelope, error) from error
        turn.receive(envelope, answer)

    def _write(self, turn: Turn, fresh: Sequence[Envelope]) -> None:
        try:
            turn.write()
        except OUTAGES:
            raise
        except DBAPIError as error:
            if self._raced(error):
                raise Raced from error
            if len(fresh) == 1:
                raise Culprit(fresh[0], error) from error
            raise Unnamed from error

    def _receipts(self, session: BatchSession, told: Sequence[Receipts]) -> None:
        said = [receipt for each in told for receipt in each.receipts]
        if self.service.receives_receipts:
            self.service.receives_receipts(said, session)
        else:
            outbox.forget(session, [receipt.event_id for receipt in said])

    def _log(self, turn: Turn, events: Sequence[Envelope]) -> None:
        assert self.service.logs
        self.service.logs(events, turn.session)
        for event in events:
            turn.receipt(event, "handled")

    def _raced(self, error: DBAPIError) -> bool:
        """Whether somebody else has just written down the same message, or what follows from it."""
        refused = getattr(getattr(error.orig, "diag", None), "table_name", "")
        known = (*DELIVERED, self.service.decides_in)
        return isinstance(error, IntegrityError) and refused in known
