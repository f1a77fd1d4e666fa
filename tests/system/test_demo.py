"""The README's first command."""

import subprocess
import sys
from pathlib import Path

from deploy.services import ROOT
from tests.conftest import let_in


def test_the_demo_ends_well(tmp_path: Path) -> None:
    """It meets every path, finds no breach, stops what it started and exits with 0."""
    let_in(tmp_path)
    command = [sys.executable, "-m", "deploy.cli", "demo", "--data", str(tmp_path / "demo")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 breaches" in done.stdout + done.stderr
