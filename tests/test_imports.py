"""Each import rule is a sentence in pyproject.toml, and each is broken here on purpose."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.services import ROOT

# The sentence, the file that breaks it, and the line it takes.
BROKEN = {
    "Services know each other only through contracts": (
        "participants/orders/statuses.py",
        "import participants.payments.tables",
    ),
    "Contracts know no service": ("contracts/delivery/envelope.py", "import orchestrator.core"),
    "Inside contracts: wire, memory > inbox, outbox, due > service > envelope > messages": (
        "contracts/delivery/envelope.py",
        "import contracts.delivery.inbox",
    ),
    "Messages, core and sagas are pure": ("orchestrator/core/advance.py", "import time"),
    "Only wire knows Celery and Kombu": ("contracts/delivery/due.py", "import celery"),
    "Inside the orchestrator: http > shell > sagas > core": (
        "orchestrator/core/decision.py",
        "import orchestrator.shell.store",
    ),
    "Only worker.py and deploy wire a service": (
        "participants/orders/handlers.py",
        "import contracts.delivery.wire",
    ),
    "Nobody imports in a circle": ("deploy/client.py", "import deploy.demo"),
    "Only deploy knows everybody": ("side_effects/trail/http.py", "import deploy.services"),
}


def rules() -> list[str]:
    """The sentences in pyproject.toml."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [contract["name"] for contract in config["tool"]["importlinter"]["contracts"]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the product that may be broken."""
    for package in ("contracts", "deploy", "orchestrator", "participants", "side_effects"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> str:
    """What import-linter says of a folder."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as l; l()"]
    environment = {"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"}
    done = subprocess.run(
        [*command, "--no-cache"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_every_rule_is_broken_by_a_case() -> None:
    """A rule that nothing breaks might not look at anything."""
    assert sorted(BROKEN) == sorted(rules())


@pytest.mark.parametrize("rule", BROKEN, ids=str)
def test_a_broken_rule_is_named(rule: str, copy: Path) -> None:
    """One forbidden import makes the linter name the sentence."""
    file, line = BROKEN[rule]
    broken = copy / file
    broken.write_text(f"{broken.read_text()}\n{line}\n")
    assert f"{rule} BROKEN" in lint(copy)
