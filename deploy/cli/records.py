"""trace, logs: what the processes of a stack have recorded about one order."""

from typing import Any

from deploy.cli.common import FOLDER, AsJson, Data, app, found, out, show
from deploy.client import Refused


@app.command()
def trace(order: str, data: Data = FOLDER, as_json: AsJson = False) -> None:
    """The spans of one order as a tree, by time; needs a stack with CONCERTO_TRACING set."""
    from deploy.monitoring.records import spans, tree

    file = found(data).traces
    mine = spans(file, order)
    if not mine:
        raise Refused(f"no span of {order} in {file}: was CONCERTO_TRACING set when it came?")
    if as_json:
        return show(mine)
    _print(tree(mine))


@app.command()
def logs(order: str, data: Data = FOLDER, as_json: AsJson = False) -> None:
    """What the processes of a stack have logged about one order, in order of time."""
    from deploy.monitoring.records import lines

    mine = lines(found(data).log, order)
    if as_json:
        return show(mine)
    _print([_line(entry) for entry in mine] or ["nothing that went wrong: nothing was logged"])


def _line(entry: dict[str, Any]) -> str:
    rest = {k: v for k, v in entry.items() if k not in ("timestamp", "level", "process", "event")}
    said = " ".join(f"{name}={value}" for name, value in rest.items())
    return f"{entry['timestamp']} {entry['level']:7} {entry['process']}: {entry['event']} {said}"


def _print(lines: list[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False)
