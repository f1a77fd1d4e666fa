"""The same promise in one process: every service a host, every queue a bounded queue in memory.

What a crash takes from these queues is sent again from the tables, exactly as with a broker that
lost everything: sagas by their wake-ups, events by the outbox and the trail.
"""

import queue
import threading
from collections.abc import Mapping, Sequence

import structlog

from contracts.delivery.due import Host
from contracts.delivery.envelope import Envelope
from contracts.delivery.outbox import Done
from contracts.delivery.service import Service
from contracts.runtime.settings import Settings

log = structlog.get_logger()
QUEUE_BATCHES = 1000


class Memory:
    """Carries batches between the services of this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.hosts: dict[str, Host] = {}
        self._queues: dict[str, queue.Queue[Sequence[Envelope] | None]] = {}
        self._threads: list[threading.Thread] = []

    def send(self, outgoing: Mapping[str, Sequence[Envelope]], done: Done | None = None, /) -> None:
        """Put each destination's batch into its queue; a full or unknown one loses it."""
        for to, batch in outgoing.items():
            try:
                self._queues[to].put_nowait(list(batch))
            except (KeyError, queue.Full):
                log.warning("not delivered, will be sent again", to=to, messages=len(batch))
        if done:
            done()

    def host(self, service: Service) -> Host:
        """Take a service in; it runs from `start` on."""
        host = self.hosts[service.name] = Host(service, self._settings, self.send)
        self._queues[service.name] = queue.Queue(QUEUE_BATCHES)
        return host

    def start(self) -> None:
        """Run every service."""
        for name, host in self.hosts.items():
            thread = threading.Thread(target=self._consume, args=(name,), name=name, daemon=True)
            self._threads.append(thread)
            host.start()
            thread.start()

    def stop(self) -> None:
        """End every service after the batch under way."""
        for waiting in self._queues.values():
            waiting.put(None)
        for thread in self._threads:
            thread.join(timeout=10)
        for host in self.hosts.values():
            host.stop()

    def settle(self) -> int:
        """Without `start`: deliver what is queued, in this thread, until nothing is; how many."""
        count = 0
        while waiting := self._waiting():
            for name in waiting:
                self.hosts[name].receive(self._queues[name].get() or ())
                count += 1
        return count

    def _waiting(self) -> list[str]:
        for host in self.hosts.values():
            host.relay.send_events()
            host.relay.send_reports()
        return [name for name, waiting in self._queues.items() if not waiting.empty()]

    def _consume(self, name: str) -> None:
        waiting = self._queues[name]
        while (batch := waiting.get()) is not None:
            for at in range(0, len(batch), self._settings.batch_messages):
                self._deliver(name, batch[at : at + self._settings.batch_messages])

    def _deliver(self, name: str, batch: Sequence[Envelope]) -> None:
        try:
            self.hosts[name].receive(batch)
        except Exception as error:
            log.warning("batch lost, will be sent again", service=name, reason=str(error)[:500])
