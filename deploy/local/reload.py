"""`make dev`: the stack in the foreground; its services start again whenever the code changes."""

import time
from pathlib import Path

from rich.console import Console

from deploy.local import lifecycle, supervision
from deploy.local.processes import processes
from deploy.local.stack import DEFAULT_FOLDER, Stack
from deploy.services import ROOT

LOOK_SECONDS = 0.5
WATCHED = ("contracts", "orchestrator", "participants", "side_effects", "deploy")


def main() -> None:
    """Run until interrupted."""
    console = Console(stderr=True)
    stack = Stack.of(Path(DEFAULT_FOLDER))
    lifecycle.up(stack, console.print)
    console.print(f"ready {stack.url}, starting again on changes (Ctrl-C ends)")
    seen = _newest()
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            if (latest := _newest()) > seen:
                seen = latest
                console.print("the code changed: starting the services again …")
                _again(stack)
    except KeyboardInterrupt:
        lifecycle.down(stack)


def _again(stack: Stack) -> None:
    for process in processes(stack):
        if not process.first:
            supervision.stop(stack, process.name)
    lifecycle.up(stack, lambda _: None)
    supervision.run_all(stack)


def _newest() -> float:
    files = (file for folder in WATCHED for file in (ROOT / folder).rglob("*.py"))
    return max(file.stat().st_mtime for file in files)


if __name__ == "__main__":
    main()
