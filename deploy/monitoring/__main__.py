"""Writes what follows from the definitions: `python -m deploy.monitoring`."""

from pathlib import Path

from deploy.monitoring.dashboards import CONSUMERS, PROCESS, dashboard
from deploy.monitoring.rules import rules
from deploy.monitoring.runbooks import pages

HERE = Path(__file__).parent


def generated() -> dict[str, str]:
    """Every generated file of this folder, by its name below it."""
    return {
        "rules.yml": rules(),
        "dashboard.json": dashboard("Concerto", PROCESS),
        "consumers.json": dashboard("Concerto consumers", CONSUMERS),
        **{f"runbooks/{name}": text for name, text in pages().items()},
    }


def main() -> None:
    """Write them, and remove the pages of what there is no more."""
    files = generated()
    for old in HERE.glob("runbooks/*.md"):
        if f"runbooks/{old.name}" not in files:
            old.unlink()
    for name, text in files.items():
        file = HERE / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


if __name__ == "__main__":
    main()
