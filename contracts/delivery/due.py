"""The one loop of a worker that takes what is due: retries, intents, chores, unsent events.

`Host` puts one service together in this process: its inbox, its relay, its performers and its loop.
It is given how to send, and knows no broker. One query now and then tells whether something is due,
and whether the service is paused: then it keeps what comes, and rests but for what is under way
outside and what is to be sent; what was kept comes before chores, so that no time runs out for want
of an answer that is there.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import TypeVar

import structlog

from contracts.delivery.envelope import Envelope
from contracts.delivery.inbox import Inbox
from contracts.delivery.intents import Performers
from contracts.delivery.look import ATTEMPTS, INTENTS, OUTBOX, look
from contracts.delivery.outbox import Relay, Send
from contracts.delivery.service import Chore, Service
from contracts.runtime import collector
from contracts.runtime.database import Database
from contracts.runtime.health import Heartbeat
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings

T = TypeVar("T")
log = structlog.get_logger()
LIMIT = 200
REPORT_SECONDS = 1.0
LOOK_SECONDS = 1.0


class Host:
    """One service in this process."""

    def __init__(
        self,
        service: Service,
        settings: Settings,
        send: Send,
        settle: Callable[[], None] | None = None,
    ) -> None:
        self.service, self._settings, self._settle = service, settings, settle
        self._started = False
        self._paused: bool | None = None  # None: nobody has looked yet
        self._behind = True  # what a pause may have kept is not handled yet
        self._due: set[str] = set()  # the tables in which something was found to be due
        self.db = Database(service.name, settings)
        self.relay = Relay(self.db, send, settings)
        self.performers = Performers(service, self.db, settings)
        self.inbox = Inbox(service, self.db, self.relay, send, settings, self.performers.take)
        self._loop = Loop(service.name, self._turns(), settings.due_seconds)

    def receive(self, batch: Sequence[Envelope]) -> None:
        """Handle a batch, or keep it while the service is paused; an exception means: deliver it
        again."""
        if self._paused is None:
            self._look()
        if self._paused:
            self.inbox.keep(batch)
        else:
            self.inbox.receive(batch)

    def run(self, work: Callable[[BatchSession], T]) -> T:
        """Do `work` in a transaction of this service and let out what comes of it. A host that was
        not started, as an HTTP edge has it, leaves to the worker what only that can see through."""
        return self.inbox.run(work, leave=not self._started)

    def start(self) -> None:
        """Begin to perform and to take what is due."""
        self._started = True
        self.performers.start(self.inbox)
        self._loop.start()
        collector.settle()

    def stop(self) -> None:
        """End; what is under way is taken up again by whoever comes next."""
        self._loop.stop()
        self.performers.stop()
        for send in (self.relay.send_events, self.relay.send_reports):
            with suppress(Exception):
                send()
        self.db.close()

    def _settled(self) -> int:
        """Hear what became of what was sent."""
        if self._settle:
            self._settle()
        return 0

    def _published(self) -> int:
        """Send the events that waited for others."""
        self.relay.send_events()
        return 0

    def _reported(self) -> int:
        """Send what waits to be reported."""
        self.relay.send_reports()
        return 0

    def _look(self) -> int:
        """See whether the service is paused, and where something is due."""
        seen = look(self.db)
        self._paused = self.performers.resting = seen.paused
        self._due |= seen.due | ({OUTBOX} if self.relay.unmarked else set())
        self._behind = self._paused or (self._behind and ATTEMPTS in self._due)
        return 0

    def _retried(self, limit: int) -> int:
        """Handle again what is due, and see whether that was all."""
        done = self.inbox.retry(limit)
        self._behind &= done >= limit
        return done

    def _turns(self) -> list[Callable[[], int]]:
        at_most = self._settings.due_seconds
        return [
            self._settled,
            self._published,
            _paced(self._reported, self._settings.wait(REPORT_SECONDS, least=at_most)),
            _paced(self._look, self._settings.wait(LOOK_SECONDS, least=at_most)),
            self._awake(self._where(ATTEMPTS, self._retried)),
            self._where(OUTBOX, self.relay.sweep),
            self._awake(self._where(INTENTS, self.performers.due)),
            *map(self._chore, self.service.chores),
        ]

    def _where(self, table: str, take: Callable[[int], int]) -> Callable[[], int]:
        """A turn of the loop that takes what is due in a table, until there is little."""

        def turn() -> int:
            if table not in self._due:
                return 0
            done = take(LIMIT)
            if done < LIMIT:
                self._due.discard(table)
            return done

        return turn

    def _chore(self, chore: Chore) -> Callable[[], int]:
        every = self._settings.wait(chore.every.total_seconds())
        run = _paced(partial(self.inbox.run, chore.run), every)
        return self._awake(lambda: 0 if self._behind else run())

    def _awake(self, turn: Callable[[], int]) -> Callable[[], int]:
        """A turn of the loop that rests while the service is paused."""
        return lambda: turn() if self._paused is False else 0


class Loop:
    """Turns until it is stopped; pauses when a round found nothing to do."""

    def __init__(self, name: str, turns: Sequence[Callable[[], int]], pause_seconds: float) -> None:
        self._turns, self._pause = turns, pause_seconds
        self._stopped = threading.Event()
        self._heartbeat = Heartbeat(name)
        self._thread = threading.Thread(target=self._run, name=f"due {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the turn under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._heartbeat.end()

    def _run(self) -> None:
        while not self._stopped.is_set():
            done = [self._turn(turn) for turn in self._turns]
            self._heartbeat.beat()
            if max(done) < LIMIT:
                self._stopped.wait(self._pause)

    def _turn(self, turn: Callable[[], int]) -> int:
        try:
            return turn()
        except Exception as error:
            log.warning("due work failed, will be tried again", reason=str(error)[:500])
            return 0


def _paced(run: Callable[[], int], every: timedelta) -> Callable[[], int]:
    """A turn of the loop that runs when its time has come, and on while there is much to do."""
    next_at = 0.0

    def turn() -> int:
        nonlocal next_at
        if monotonic() < next_at:
            return 0
        done = run()
        next_at = 0.0 if done >= LIMIT else monotonic() + every.total_seconds()
        return done

    return turn
