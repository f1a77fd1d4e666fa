"""The benchmark: a fresh stack for each workload, load, and how long and how much it took."""

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

from sqlalchemy import text

from contracts.runtime.database import Database
from deploy.bench import load, orders, processes, yardstick
from deploy.client import Platform
from deploy.local import lifecycle, supervision
from deploy.local.stack import Stack, configured
from deploy.retail.calls import Calls
from deploy.retail.history import widened

ENDED_WITHIN_SECONDS = 900.0
LOOK_SECONDS = 0.1
YARDSTICK_CHAINS = 1000
WARM = 40
UNENDED = "SELECT count(*) FROM sagas WHERE status IN ('accepted', 'running', 'undoing')"
ENDS = (
    "SELECT subject::text AS id, extract(epoch FROM changed_at - started_at) * 1000 AS ms, "
    "status FROM sagas"
)
CONFIRMATIONS = (
    "SELECT s.subject::text AS id, extract(epoch FROM j.at) AS at, "
    "extract(epoch FROM j.at - s.started_at) * 1000 AS ms FROM journal j "
    "JOIN sagas s ON s.id = j.saga_id WHERE j.notes::jsonb ? 'OrderConfirmed published'"
)
Say = Callable[[str], None]
Used = dict[tuple[str, str], float]  # by kind and name of process


@dataclass
class Measured:
    """One workload on one broker; milliseconds are of processor time, or of the clock."""

    name: str
    broker: str
    orders: int
    sagas_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_saga: dict[str, float]
    cpu_ms_by_process: dict[str, float]
    yardstick_sagas_per_second: float | None = None
    ratio: float | None = None
    submitted: str = ""
    source: str = ""
    yardstick: str = ""
    ends: dict[str, int] = field(default_factory=dict)
    resident_mib: dict[str, float] = field(default_factory=dict)


class Bench:
    """A fresh stack, spoken to as a shop, looked into as its operator."""

    def __init__(self, folder: Path, broker: str, say: Say, trivial: bool = False) -> None:
        self.stack = _fresh(folder, broker, trivial)
        self._say = say

    def __enter__(self) -> "Bench":
        """Start it."""
        self._say(f"starting a stack on {self.stack.broker}")
        lifecycle.up(self.stack, lambda _: None)
        self.database = Database("orchestrator", lifecycle.config(self.stack))
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        lifecycle.down(self.stack)

    @property
    def token(self) -> str:
        """A fresh token, good for 15 minutes."""
        return lifecycle.token(self.stack, "admin", "bench")

    @property
    def http(self) -> Platform:
        """Its HTTP."""
        return Platform(self.stack.url, self.token)

    def stock(self, wanted: dict[str, int]) -> None:
        """Set what is on hand."""
        counts = [{"sku": sku, "quantity": units} for sku, units in wanted.items()]
        for at in range(0, len(counts), load.STOCKED):
            self.http.call("POST", "/stock:batch", {"counts": counts[at : at + load.STOCKED]})

    def trust(self) -> None:
        """Widen fraud's limits, which are checked all the same: these orders are history."""
        widened(Calls(lambda: self.http))

    def rows(self, query: str) -> Sequence[Any]:
        """What a query finds as the orchestrator."""
        with self.database.transaction() as session:
            found: Sequence[Any] = session.execute(text(query)).all()
            return found

    def wait(self, applied: bool) -> None:
        """Wait until every saga has ended, and, if `applied`, every subscriber has all events."""
        until = time.monotonic() + ENDED_WITHIN_SECONDS
        while time.monotonic() < until:
            if self.through(applied):
                return
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"not everything ended within {ENDED_WITHIN_SECONDS:g} s")

    def through(self, applied: bool = True) -> bool:
        """Whether every saga has ended, and, if `applied`, every subscriber has all events."""
        return not self.rows(UNENDED)[0][0] and (not applied or self._applied())

    def _applied(self) -> bool:
        progress = self.http.get("/progress")
        return not progress["unlogged_events"] and not progress["open_deliveries"]


def trivial(folder: Path, broker: str, count: int, say: Say) -> list[Measured]:
    """The trivial saga in batches and by 64 clients, and the yardstick, on the same broker."""
    with Bench(folder, broker, say, trivial=True) as bench:
        _submit(bench, orders.trivial(WARM, "warm"), load.in_batches)
        bench.wait(applied=False)
        say(f"yardstick: {YARDSTICK_CHAINS} Celery chains")
        stick = yardstick.measure(bench.stack.broker_for("admin"), YARDSTICK_CHAINS, folder)
        found = []
        for how, submit in (("in batches", load.in_batches), ("64 clients", load.by_clients)):
            say(f"trivial, {how}: {count} sagas")
            given = orders.trivial(count, how.replace(" ", "-"))
            measured = _measured(bench, "trivial", how, given, submit, applied=False)
            measured.yardstick_sagas_per_second = round(stick.sagas_per_second, 1)
            measured.ratio = round(measured.sagas_per_second / stick.sagas_per_second, 2)
            measured.yardstick = stick.pool
            found.append(measured)
        return found


def real(folder: Path, broker: str, count: int, say: Say) -> list[Measured]:
    """Real orders, every service, all subscribers: half in batches, half by 64 clients."""
    source, given = orders.real(count)
    with Bench(folder, broker, say) as bench:
        bench.trust()
        bench.stock(orders.stock(given))
        _submit(bench, given[:WARM], load.in_batches)
        bench.wait(applied=True)
        half = WARM + (len(given) - WARM) // 2
        found = []
        for how, submit, part in (
            ("in batches", load.in_batches, given[WARM:half]),
            ("64 clients", load.by_clients, given[half:]),
        ):
            say(f"real, {how}: {len(part)} orders")
            measured = _measured(bench, "real", how, part, submit, applied=True)
            measured.source = source
            found.append(measured)
        return found


def single(folder: Path, broker: str, count: int, say: Say) -> list[Measured]:
    """One real order after the other, each when the last one is through: POST to confirmation."""
    source, given = orders.real(count + WARM)
    with Bench(folder, broker, say) as bench:
        bench.trust()
        bench.stock(orders.stock(given))
        _submit(bench, given[:WARM], load.in_batches)
        bench.wait(applied=True)
        say(f"single: {count} orders")
        before, began = processes.used(lifecycle.status(bench.stack)), time.monotonic()
        sent = asyncio.run(
            load.one_by_one(bench.stack.url, bench.token, given[WARM:], bench.through)
        )
        seconds = time.monotonic() - began
        used = _per_saga(before, bench, count)
        at = {row.id: float(row.at) for row in bench.rows(CONFIRMATIONS)}
        taken = [1000 * (at[order] - when) for order, when in sent.items()]
        rate = count / seconds
        return [_result("single", bench, "one at a time", taken, rate, used, source)]


WORKLOADS = {"trivial": trivial, "real": real, "single": single}


def _measured(
    bench: Bench, name: str, how: str, given: list[dict[str, Any]], submit: Any, applied: bool
) -> Measured:
    before, began = processes.used(lifecycle.status(bench.stack)), time.monotonic()
    ids = set(_submit(bench, given, submit))
    bench.wait(applied)
    seconds = time.monotonic() - began
    used = _per_saga(before, bench, len(given))
    query = CONFIRMATIONS if name == "real" else ENDS
    taken = [float(row.ms) for row in bench.rows(query) if row.id in ids]
    return _result(name, bench, how, taken, len(given) / seconds, used, "", len(ids))


def _result(
    name: str,
    bench: Bench,
    how: str,
    taken: list[float],
    rate: float,
    used: Used,
    source: str,
    count: int = 0,
) -> Measured:
    cuts = quantiles(taken, n=100) if len(taken) > 1 else taken * 99
    ends: dict[str, int] = {}
    for row in bench.rows("SELECT status, count(*) AS n FROM sagas GROUP BY 1"):
        ends[row.status] = row.n
    return Measured(
        name=name,
        broker=bench.stack.broker,
        orders=count or len(taken),
        sagas_per_second=round(rate, 1),
        p50_ms=round(cuts[49], 1),
        p99_ms=round(cuts[98], 1),
        cpu_ms_per_saga=_summed((kind, ms) for (kind, _), ms in used.items()),
        cpu_ms_by_process=_summed((name, ms) for (_, name), ms in used.items()),
        submitted=how,
        source=source,
        ends=ends,
        resident_mib={
            kind: round(mib)
            for kind, mib in processes.resident(lifecycle.status(bench.stack)).items()
        },
    )


def _submit(bench: Bench, given: list[dict[str, Any]], submit: Any) -> list[str]:
    ids: list[str] = asyncio.run(submit(bench.stack.url, bench.token, given))
    return ids


def _per_saga(before: Used, bench: Bench, count: int) -> Used:
    after = processes.used(lifecycle.status(bench.stack))
    return {which: 1000 * (after[which] - before.get(which, 0.0)) / count for which in after}


def _summed(named: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: defaultdict[str, float] = defaultdict(float)
    for name, ms in named:
        found[name] += ms
    return {name: round(ms, 2) for name, ms in found.items()}


def _fresh(folder: Path, broker: str, trivial: bool) -> Stack:
    if folder.exists():
        supervision.end(Stack.of(folder))
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    stack = configured(folder, broker)
    stack.trivial, stack.webhooks = trivial, False
    return stack
