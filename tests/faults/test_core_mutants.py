"""Every bug that is planted in the core is found by a walk."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WALK_SECONDS = 600
MUTANTS = sorted((ROOT / "tests/faults/mutants").glob("core-*.patch"))
EVERYTHING = """
import runpy
from orchestrator.core.explore import explore, report
saga = runpy.run_path("tests/core/test_parallel.py")["SHOP"]
print("\\n".join(report(saga, explore(saga))))
"""
SEARCH = """
from orchestrator.core.explore import explore, report
from orchestrator.sagas import SAGAS
for saga in sorted(SAGAS.values(), key=lambda saga: len(saga.flat)):
    walk = explore(saga, most_breaches=1)
    print("\\n".join(report(saga, walk)))
    if walk.breaches:
        break
"""


def test_the_whole_state_space_of_a_saga_with_everything_has_no_breach() -> None:
    said = walked(ROOT, EVERYTHING)
    assert "the whole state space" in said
    assert " 0 breaches" in said, said


def test_there_are_ten_planted_bugs() -> None:
    assert len(MUTANTS) >= 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda path: path.stem)
def test_the_walk_finds_the_planted_bug(mutant: Path, tmp_path: Path) -> None:
    copy = planted(mutant, tmp_path)
    said = walked(copy, SEARCH)
    print(mutant.read_text().splitlines()[0], said, sep="\n")
    assert "BREACH" in said, f"{mutant.stem} survives:\n{said}"


def planted(mutant: Path, folder: Path) -> Path:
    """A copy of the core, and of the messages it speaks of, with the bug in it."""
    for part in ("contracts/messages", "orchestrator/core", "orchestrator/sagas"):
        shutil.copytree(ROOT / part, folder / part)
    for package in ("contracts", "orchestrator"):
        shutil.copy(ROOT / package / "__init__.py", folder / package)
    apply = ["git", "apply", "--whitespace=nowarn", str(mutant)]
    done = subprocess.run(apply, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{mutant.name} no longer fits the code:\n{done.stderr}"
    return folder


def walked(folder: Path, walk: str) -> str:
    """What the walk says, with the core in `folder`."""
    command = [sys.executable, "-c", walk]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=WALK_SECONDS, check=False
    )
    return done.stdout + done.stderr
