"""Counts of several processes add up, whichever of them is asked, and whoever has ended."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.services import ROOT

COUNT = """
import os, sys
from contracts.runtime import metrics
metrics.messages.labels("email", "OrderConfirmed", "handled").inc(int(sys.argv[1]))
metrics.batch_seconds.labels("email").observe(0.02)
if sys.argv[2] == "kill":
    os.kill(os.getpid(), 9)
"""
ASK = """
from prometheus_client import generate_latest
from contracts.runtime import metrics
print(generate_latest(metrics.counted()).decode())
"""
SERIES = 'concerto_messages_total{outcome="handled",service="email",type="OrderConfirmed"}'


def test_processes_add_up(tmp_path: Path) -> None:
    """Also those that were killed: a sum never goes back."""
    _run(COUNT, tmp_path, "3", "end")
    assert _run(COUNT, tmp_path, "4", "kill") is None
    said = _run(ASK, tmp_path) or ""
    assert f"{SERIES} 7.0" in said
    assert 'concerto_batch_seconds_count{service="email"} 2.0' in said
    assert 'concerto_batch_seconds_bucket{le="0.025",service="email"} 2.0' in said


def test_counting_is_off_unless_a_folder_is_named(tmp_path: Path) -> None:
    """Or where it is switched off: then nothing is written, and nothing told."""
    off = "from contracts.runtime import metrics; print(metrics.ON)"
    assert (_run(off, tmp_path, CONCERTO_METRICS="false") or "").strip() == "False"
    assert (_run(off, None) or "").strip() == "False"
    assert (_run(off, tmp_path) or "").strip() == "True"


def test_opentelemetry_is_not_imported_unless_orders_are_traced() -> None:
    """It is an extra, and costs memory."""
    look = "import sys, deploy.api; print('opentelemetry.sdk' in sys.modules)"
    assert (_run(look, None) or "").strip() == "False"


def _run(code: str, folder: Path | None, *told: str, **more: str) -> str | None:
    """What a process of its own prints; None when it was killed."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("CONCERTO_", "PROMETHEUS_"))}
    environment = {**kept, **more, "PYTHONPATH": str(ROOT)}
    if folder:
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    command = [sys.executable, "-c", code, *told]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -9), done.stderr
    return None if done.returncode else done.stdout
