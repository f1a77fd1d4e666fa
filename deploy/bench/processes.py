"""How much processor time the processes of a stack have used, by kind and name."""

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")


def used(standing: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Seconds by kind and name of process, of each with all its children; `standing` is a stack's
    status."""
    children, seconds = _all()
    return {
        (process["kind"], process["name"]): _tree(process["pid"], children, seconds)
        for process in standing["processes"]
        if process["pid"] and process["kind"] != "supervisor"
    }


def resident(standing: dict[str, Any]) -> dict[str, float]:
    """MiB of memory by kind of process, without the database and the broker."""
    found: dict[str, float] = defaultdict(float)
    for process in standing["processes"]:
        if process["pid"] and process["kind"] not in ("supervisor", "database", "broker"):
            pages = int(Path(f"/proc/{process['pid']}/statm").read_text().split()[1])
            found[process["kind"]] += pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
    return dict(found)


def _tree(pid: int, children: dict[int, list[int]], seconds: dict[int, float]) -> float:
    return seconds.get(pid, 0.0) + sum(_tree(c, children, seconds) for c in children.get(pid, ()))


def _all() -> tuple[dict[int, list[int]], dict[int, float]]:
    children: dict[int, list[int]] = defaultdict(list)
    seconds: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            pid = int(folder.name)
            children[int(fields[1])].append(pid)
            seconds[pid] = sum(int(ticks) for ticks in fields[11:15]) / TICK
    return children, seconds
