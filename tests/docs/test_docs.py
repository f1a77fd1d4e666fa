"""What the documents say is what the code is."""

import re
import subprocess
import sys
from pathlib import Path

from typer.main import get_command

from deploy.catalogue import catalogue
from deploy.services import ROOT

README = (ROOT / "README.md").read_text()


def block(mark: str) -> str:
    """The fenced block after a comment in the README."""
    found = re.search(rf"<!-- {mark}:.*?-->\n```\w+\n(.*?)```", README, re.S)
    assert found
    return found.group(1)


def commands() -> set[str]:
    """The subcommands that the README uses."""
    return set(re.findall(r"\bconcerto ([a-z]+)", README))


def test_the_readme_shows_the_order_saga_as_it_is() -> None:
    """The value on the first page is the value that runs."""
    assert block("ORDER") in (ROOT / "orchestrator/sagas/order.py").read_text() + "\n"


def test_the_readme_tells_a_golden_story() -> None:
    """The story on the first page is one that a test plays."""
    story = ROOT / "tests/stories/order/provider_timed_out_and_found_later.txt"
    assert block("STORY").rstrip() == story.read_text().rstrip()


def test_every_command_of_the_readme_exists() -> None:
    """`concerto X` in the README is a command."""
    from deploy.cli import GROUPS
    from deploy.cli.common import app

    for group in GROUPS:
        __import__(f"deploy.cli.{group}")
    known = set(get_command(app).commands)  # type: ignore[attr-defined]  # a group has commands
    assert commands()
    assert commands() <= known


def test_every_file_of_the_readme_exists() -> None:
    """Paths in backquotes are there."""
    paths = re.findall(
        r"`((?:contracts|orchestrator|participants|side_effects|deploy)/[^`…]*)`", README
    )
    assert paths
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_the_catalogue_is_generated() -> None:
    """The tables in contracts/README.md are what the code says."""
    text = (ROOT / "contracts/README.md").read_text()
    assert text.split("<!-- catalogue -->\n")[1] == catalogue()


def test_every_decision_names_the_check_that_enforces_it() -> None:
    """One page each: context, decision, consequences, enforced by."""
    pages = sorted((ROOT / "contracts/decisions").glob("*.md"))
    assert len(pages) >= 5
    for page in pages:
        text = page.read_text()
        assert text.count("\n") < 60
        assert all(f"**{part}" in text for part in ("Context", "Decision", "Consequences"))
        assert "**Enforced by**" in text, page


def test_help_answers_at_once_and_lists_every_command() -> None:
    """`concerto --help` says what there is."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(
        name in done.stdout for name in ("up", "demo", "why", "verify", "explore", "reviews")
    )


def test_the_worker_commands_of_the_readme_are_the_workers() -> None:
    """`celery -A X` names a module with an app."""
    for module in re.findall(r"celery -A (\S+) worker", README):
        assert Path(ROOT, *module.split(".")).with_suffix(".py").exists()
