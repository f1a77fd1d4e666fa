"""bench: how fast it is, beside what plain Celery does."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.common import AsJson, app, console, out, show, table
from deploy.client import Refused

COUNTS = {"trivial": 10_000, "real": 2000, "single": 100}


@app.command()
def bench(
    workload: Annotated[
        list[str] | None, typer.Option(help="trivial, real or single; all unless told.")
    ] = None,
    orders: Annotated[int, typer.Option(min=0, help="How many; 0 is each one's own.")] = 0,
    broker: Annotated[str, typer.Option(help="valkey, redis, rabbitmq or none.")] = "valkey",
    data: Annotated[Path, typer.Option(help="The stack's folder; emptied.")] = Path(".bench"),
    as_json: AsJson = False,
) -> None:
    """Measure sagas a second, latency and processor time, beside plain Celery.

    The payment simulator reports nothing meanwhile: no webhooks.
    """
    from deploy.bench.bench import WORKLOADS

    unknown = set(workload or ()) - set(WORKLOADS)
    if unknown:
        raise Refused(f"no workload {', '.join(unknown)}: take {', '.join(WORKLOADS)}", 2)
    wanted = workload or [name for name in WORKLOADS if (name, broker) != ("trivial", "none")]
    found = []
    for name in wanted:
        count = orders or COUNTS[name]
        found += WORKLOADS[name](data, broker, count, _said)
    if as_json:
        show({"workloads": [asdict(measured) for measured in found]})
        return
    _print(found)


def _print(found: Sequence[Any]) -> None:
    rows = [
        (
            m.name,
            m.submitted,
            m.broker,
            m.orders,
            m.sagas_per_second,
            m.p50_ms,
            m.p99_ms,
            round(sum(m.cpu_ms_per_saga.values()), 1),
            m.yardstick_sagas_per_second or "",
            m.ratio or "",
        )
        for m in found
    ]
    columns = ("workload", "submitted", "broker", "orders", "a second", "p50 ms", "p99 ms")
    table("", (*columns, "cpu ms", "yardstick", "ratio"), rows)
    for m in found:
        by_kind = ", ".join(f"{kind} {ms:g}" for kind, ms in sorted(m.cpu_ms_per_saga.items()))
        dearest = sorted(m.cpu_ms_by_process.items(), key=lambda each: -each[1])
        by_process = ", ".join(f"{name} {ms:g}" for name, ms in dearest)
        more = f"; yardstick: {m.yardstick}" if m.yardstick else f"; orders: {m.source}"
        more += "" if m.yardstick else "; no webhooks of the payment provider"
        said = f"{m.name} {m.submitted}: cpu ms a saga: {by_kind}; ended {m.ends}{more}"
        out.print(f"{said}\n  by process: {by_process}", highlight=False)


def _said(text: str) -> None:
    console.print(f"[dim]{text} …[/dim]")
