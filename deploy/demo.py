"""The demo: orders that meet every path, submitted to a stack of their own, and what came of them.

Each order is planned with the outcome it must have; the demo fails when one ends otherwise, when an
invariant does not hold, or when something does not end in time.
"""

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, track
from rich.table import Table
from sqlalchemy import text

from contracts.runtime.database import Database
from deploy.client import Platform
from deploy.local import lifecycle, supervision
from deploy.local.stack import configured
from deploy.paths import PATHS, Path_, planned, prepare
from deploy.verify import Checked, verify

TIME_SCALE = 0.03
STATES = "SELECT subject, status FROM sagas WHERE parent IS NULL"
ENDED_WITHIN_SECONDS = 90.0
BATCH = 10
A_SECOND = 15
FANOUT = {
    "redis": "Redis: the relay writes each event to every subscriber's own queue",
    "rabbitmq": "RabbitMQ: a durable fanout exchange for each event, a queue for each service",
    "valkey": "Valkey: the relay writes each event to every subscriber's own queue",
    "none": "none, one process: the relay puts each event into every subscriber's own queue",
}


@dataclass
class Result:
    """What came of the demo."""

    planned: dict[str, Path_] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    confirmed_after: list[float] = field(default_factory=list)
    checked: Checked = field(default_factory=Checked)
    consumers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """The orders that did not end as planned."""
        return [o for o, path in self.planned.items() if self.states.get(o) != path.ends]


def run(
    folder: Path,
    broker: str,
    count: int,
    keep: bool,
    as_json: bool,
    progress: Console,
    out: Console,
) -> bool:
    """Run the demo; whether all came as it must."""
    stack = _fresh(folder, broker)
    with _stopping(stack, keep):
        lifecycle.up(stack, lambda said: progress.print(f"[dim]{said} …[/dim]"))
        progress.print(f"console: {stack.url}/console   (waits are scaled by {TIME_SCALE})")
        progress.print(f"sign in: concerto console --data {folder}")
        result = _orders(stack, count, progress)
        _print(result, stack, as_json, out)
        if keep:
            progress.print(f"still up: {stack.url}/console   end it: concerto down --data {folder}")
    return not result.wrong and not result.checked.breaches


def _fresh(folder: Path, broker: str) -> Any:
    stack = configured(folder, broker, time_scale=TIME_SCALE)
    if folder.exists() and not supervision.alive(stack):
        supervision.end_leftovers(stack)
        shutil.rmtree(folder)
    return configured(folder, broker, time_scale=TIME_SCALE)


class _stopping:
    """Ends the stack with the block, unless it is to be kept."""

    def __init__(self, stack: Any, keep: bool) -> None:
        self._stack, self._keep = stack, keep

    def __enter__(self) -> None:
        """Nothing to do yet."""

    def __exit__(self, kind: object, *_: object) -> None:
        if kind or not self._keep:
            lifecycle.down(self._stack)


def _orders(stack: Any, count: int, progress: Console) -> Result:
    platform = Platform(stack.url, lifecycle.token(stack, "admin", "demo"))
    prepare(platform, count)
    result = Result()
    began = time.monotonic()
    plan = planned(count)
    for at in track(range(0, len(plan), BATCH), "submitting", console=progress, transient=True):
        _submit(platform, plan[at : at + BATCH], result)
        time.sleep(max(0.0, began + (at + BATCH) / A_SECOND - time.monotonic()))
    database = Database("orchestrator", lifecycle.config(stack))
    _watch(result, database, progress)
    result.seconds = time.monotonic() - began
    result.confirmed_after = _latencies(database)
    _deliveries(platform, result)
    result.checked = verify(lifecycle.config(stack), stack.simulators)
    database.close()
    return result


def _submit(platform: Platform, part: Sequence[tuple[Path_, Any]], result: Result) -> None:
    answers = platform.call("POST", "/orders:batch", {"orders": [order for _, order in part]})
    for (path, _), answer in zip(part, answers, strict=True):
        result.planned[answer["id"]] = path


def _watch(result: Result, database: Database, progress: Console) -> None:
    """Show the orders by status until all have ended or wait for a person."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    until = time.monotonic() + ENDED_WITHIN_SECONDS
    with Progress(*columns, TimeElapsedColumn(), console=progress) as bar:
        task = bar.add_task("orders", total=len(result.planned), said="")
        while time.monotonic() < until:
            with database.transaction() as session:
                rows = session.execute(text(STATES)).all()
            states = {str(row.subject): row.status for row in rows}
            result.states = {order: states.get(order, "") for order in result.planned}
            counted = Counter(result.states.values())
            ended = sum(counted[status] for status in ("completed", "undone", "review"))
            said = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()))
            bar.update(task, completed=ended, said=said)
            if not result.wrong:
                return
            time.sleep(0.2)


def _latencies(database: Database) -> list[float]:
    """From submitted to confirmed, in seconds, sorted."""
    query = (
        "SELECT extract(epoch FROM journal.at - sagas.started_at) AS seconds "
        "FROM journal JOIN sagas ON sagas.id = journal.saga_id "
        "WHERE journal.notes::jsonb ? 'OrderConfirmed published' ORDER BY 1"
    )
    with database.transaction() as session:
        return [float(row.seconds) for row in session.execute(text(query))]


def _deliveries(platform: Platform, result: Result) -> None:
    """What each subscriber made of the events, once none is on its way any more."""
    until = time.monotonic() + ENDED_WITHIN_SECONDS
    while time.monotonic() < until:
        progress = platform.get("/progress")
        result.consumers = platform.get("/consumers")
        if not progress["unlogged_events"] and not progress["open_deliveries"]:
            return
        time.sleep(0.2)


def _print(result: Result, stack: Any, as_json: bool, out: Console) -> None:
    if as_json:
        return out.print_json(data=_as_json(result, stack))
    out.print(_outcomes(result))
    after = result.confirmed_after
    rate = len(result.planned) / result.seconds if result.seconds else 0.0
    lines = [
        f"sagas            {rate:.0f} a second: submitted at {A_SECOND}, slow paths waited for",
        f"confirmed after  p50 {_at(after, 0.5):.2f} s, p99 {_at(after, 0.99):.2f} s",
        f"invariants       {sum(result.checked.counts.values())} checks, "
        f"{len(result.checked.breaches)} breaches",
        f"broker, fanout   {FANOUT[stack.broker]}",
    ]
    out.print("\n".join(lines), highlight=False)
    for breach in result.checked.breaches:
        out.print(f"[red]{breach.rule}[/red] {breach.text}")
    out.print(_consumers(result))


def _outcomes(result: Result) -> Table:
    table = Table("path", "orders", "must end", "ended", title="Orders by path", box=None)
    for path in PATHS:
        mine = [order for order, its in result.planned.items() if its == path]
        ended = Counter(result.states.get(order, "unknown") for order in mine)
        told = ", ".join(f"{count} {status}" for status, count in sorted(ended.items()))
        mark = "green" if set(ended) == {path.ends} else "red"
        table.add_row(path.name, str(len(mine)), path.ends, f"[{mark}]{told}[/{mark}]")
    return table


def _consumers(result: Result) -> Table:
    states = ("handled", "pending", "retrying", "dead", "ignored")
    table = Table("subscriber", *states, title="Deliveries", box=None)
    for consumer in result.consumers:
        table.add_row(consumer["subscriber"], *(str(consumer[state]) for state in states))
    return table


def _as_json(result: Result, stack: Any) -> dict[str, Any]:
    paths = Counter((path.name, result.states.get(o)) for o, path in result.planned.items())
    return {
        "orders": [{"path": p, "ended": e, "count": n} for (p, e), n in sorted(paths.items())],
        "wrong": result.wrong,
        "seconds": round(result.seconds, 2),
        "confirmed_p50_seconds": _at(result.confirmed_after, 0.5),
        "confirmed_p99_seconds": _at(result.confirmed_after, 0.99),
        "verify": result.checked.as_json(),
        "consumers": result.consumers,
        "broker": stack.broker,
    }


def _at(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie; 0 when there are none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
