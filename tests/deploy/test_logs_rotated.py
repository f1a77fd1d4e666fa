"""Logs are rotated and bounded, whatever a process says."""

import sys
from pathlib import Path

import pytest

from deploy.local import supervision
from deploy.local.processes import Process, processes
from deploy.local.stack import configured
from tests.simulators.running import until

CHATTY = "while True: print('x' * 100, flush=True)"
KILOBYTES = 20


def test_a_process_that_says_too_much_fills_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three files of it are kept, none larger than it may be; supervisor sees to it."""
    chatty = Process("chatty", "api", [sys.executable, "-c", CHATTY], {})
    monkeypatch.setattr(supervision, "processes", lambda _: [chatty])
    monkeypatch.setattr(supervision, "LOG_BYTES", f"{KILOBYTES}KB")
    stack = configured(tmp_path, "none")
    stack.save()
    supervision.start(stack)
    try:
        supervision.run_all(stack)
        until((stack.log / f"chatty.log.{supervision.LOG_BACKUPS}").exists)
    finally:
        supervision.end(stack)
    kept = list(stack.log.glob("chatty.log*"))
    assert len(kept) == 1 + supervision.LOG_BACKUPS
    assert all(file.stat().st_size < (KILOBYTES + 80) * 1024 for file in kept)


def test_every_process_of_a_stack_is_bounded_so(tmp_path: Path) -> None:
    """And the supervisor itself."""
    stack = configured(tmp_path, "valkey")
    stack.save()
    lines = list(supervision._configuration(stack))
    bounded = [line for line in lines if "logfile_maxbytes=5MB" in line]
    assert len(bounded) == 1 + len(processes(stack))
    assert not [line for line in lines if line.endswith("_maxbytes=0")]
