"""The table of peers: the same five steps on each, beside our own and plain Celery, in one run."""

import argparse
import contextlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from deploy.bench import bench, processes
from deploy.bench.peers import environment
from deploy.bench.peers.known import PEERS, Peer

AT_ONCE = 64
COLUMNS = ("name", "version", "a second", "p50 ms", "p99 ms", "cpu ms", "ratio", "durable")


@dataclass
class Row:
    """One system; `why_not` says why it has no figures."""

    name: str
    version: str
    durable: str
    sagas_per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    cpu_ms_per_saga: dict[str, float] = field(default_factory=dict)
    ratio: float | None = None
    why_not: str = ""


def main() -> None:
    """Measure all, print the table or JSON."""
    asked = argparse.ArgumentParser(prog="bench-peers")
    asked.add_argument("--sagas", type=int, default=1000)
    asked.add_argument("--data", type=Path, default=Path(".bench-peers"))
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--only", nargs="*", default=["concerto", *(peer.name for peer in PEERS)])
    told = asked.parse_args()
    folder = told.data.resolve()
    rows = [
        measured(peer, folder / peer.name, told.sagas) for peer in PEERS if peer.name in told.only
    ]
    if "concerto" in told.only:
        rows = _rated(ours(folder / "concerto", told.sagas), rows)
    if told.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print(rows)


def ours(folder: Path, count: int) -> list[Row]:
    """Plain Celery, and the trivial saga in batches and by 64 clients, on Valkey."""
    try:
        found = bench.trivial(folder, "valkey", count, _say)
    except Exception as error:
        return [Row("concerto", "", "", why_not=_why(error))]
    stick = Row("celery chain", "", f"nothing is stored; {found[0].yardstick}")
    stick.sagas_per_second, stick.ratio = found[0].yardstick_sagas_per_second, 1.0
    durable = "inbox, outbox, journal and state in PostgreSQL; messages on Valkey"
    return [stick] + [
        Row(
            f"concerto, {m.submitted}",
            "",
            durable,
            m.sagas_per_second,
            m.p50_ms,
            m.p99_ms,
            m.cpu_ms_per_saga,
        )
        for m in found
    ]


def measured(peer: Peer, folder: Path, count: int) -> Row:
    """A peer's figures, or why there are none."""
    row = Row(peer.name, peer.version, peer.durable)
    try:
        _say(f"{peer.name}: setting up")
        python = environment.install(peer, folder)
        with environment.servers(peer, folder) as (told, pids):
            _say(f"{peer.name}: {count} sagas")
            _fill(row, [str(python), _script(peer), str(count), str(AT_ONCE), *told], pids, folder)
    except Exception as error:
        row.why_not = _why(error)
    return row


def _fill(row: Row, command: list[str], pids: dict[str, int], folder: Path) -> None:
    with (folder / "data" / "worker.log").open("w") as log:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        worker = subprocess.Popen(command, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]
    try:
        pids = {**pids, "worker": worker.pid}
        if worker.stdout.readline() != "ready\n":
            raise RuntimeError((folder / "data" / "worker.log").read_text()[-300:])
        before = _used(pids)
        worker.stdin.write("go\n")
        worker.stdin.flush()
        answer = json.loads(worker.stdout.readline())
        after, count = _used(pids), len(answer["taken_ms"])
    finally:
        with contextlib.suppress(OSError):
            worker.stdin.close()
        environment.end(worker)
    cuts = quantiles(answer["taken_ms"], n=100)
    row.p50_ms, row.p99_ms = round(cuts[49], 1), round(cuts[98], 1)
    row.sagas_per_second = round(count / answer["seconds"], 1)
    row.cpu_ms_per_saga = {k: round(1000 * (after[k] - before[k]) / count, 2) for k in pids}


def _used(pids: dict[str, int]) -> dict[str, float]:
    listed = [{"kind": name, "name": name, "pid": pid} for name, pid in pids.items()]
    return {name: used for (_, name), used in processes.used({"processes": listed}).items()}


def _rated(own: list[Row], peers: list[Row]) -> list[Row]:
    stick = own[0].sagas_per_second
    for row in (*own, *peers):
        if stick and row.sagas_per_second:
            row.ratio = round(row.sagas_per_second / stick, 2)
    return own + peers


def _print(rows: list[Row]) -> None:
    drawn = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(*(str(cell) for cell in _shown(row)))
    Console().print(drawn)


def _shown(row: Row) -> tuple[object, ...]:
    cpu = round(sum(row.cpu_ms_per_saga.values()), 1) or ""
    figures = (row.sagas_per_second or "", row.p50_ms or "", row.p99_ms or "", cpu, row.ratio or "")
    return (row.name, row.version, *figures, row.why_not or row.durable)


def _script(peer: Peer) -> str:
    return str(Path(__file__).with_name(f"{peer.name}_five_steps.py"))


def _why(error: Exception) -> str:
    return f"not measured: {type(error).__name__}: {error}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
