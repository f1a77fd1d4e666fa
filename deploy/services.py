"""Which services there are: one for each folder of participants and side effects, and the saga's.

Derived from the folders, so that a new service touches no list.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from sqlalchemy import MetaData

from contracts.delivery.service import Service

Kind = Literal["orchestrator", "participant", "side_effect"]
ROOT = Path(__file__).parent.parent
HEADS: dict[Kind, str] = {"participant": "handlers", "side_effect": "consumer"}


@dataclass(frozen=True)
class Known:
    """A service: where its parts are."""

    name: str
    kind: Kind
    package: str
    head: str

    @property
    def worker(self) -> str:
        """The module a Celery worker is started with."""
        return f"{self.package}.worker"

    @property
    def migrations(self) -> Path:
        """The folder of its Alembic revisions: its own, or that of whoever has no tables."""
        own = ROOT.joinpath(*self.package.split(".")) / "migrations"
        return own if own.exists() else ROOT / "contracts/delivery/migrations"

    @property
    def http_module(self) -> str | None:
        """The module of its routes, if it has any."""
        module = f"{self.package}.http"
        return module if self.kind != "orchestrator" and find_spec(module) else None

    def load(self) -> Service:
        """The service value, which is named as the service."""
        service: Service = getattr(import_module(f"{self.package}.{self.head}"), self.name)
        return service

    def tables(self) -> MetaData:
        """The tables of its own, if it has any, without those of delivery."""
        module = f"{self.package}.tables"
        metadata: MetaData = (
            import_module(module).Base.metadata if find_spec(module) else MetaData()
        )
        return metadata


@cache
def services() -> tuple[Known, ...]:
    """Every service, the orchestrator first, then by kind and name."""
    orchestrator = Known("orchestrator", "orchestrator", "orchestrator.shell", "handlers")
    return (
        orchestrator,
        *_in("participants", "participant"),
        *_in("side_effects", "side_effect"),
    )


def _in(folder: str, kind: Kind) -> list[Known]:
    found = sorted(path.parent.name for path in (ROOT / folder).glob("*/worker.py"))
    return [Known(name, kind, f"{folder}.{name}", HEADS[kind]) for name in found]
