"""Which peers there are: their pinned packages, and what each stores where."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One durable system; `version` is shown, packages are pinned."""

    name: str
    version: str
    durable: str
    python: tuple[str, ...]
    npm: tuple[str, ...] = ()


PEERS = (
    Peer(
        "dbos",
        "3.4.0",
        "each step's result and the workflow's status: rows in PostgreSQL; awaited in-process",
        ("dbos==3.4.0", "psycopg[binary]==3.3.9"),
    ),
    Peer(
        "absurd",
        "0.5.1",
        "task, run and a checkpoint per step: rows in PostgreSQL; workers poll each 20 ms",
        ("absurd-sdk==0.5.1", "absurdctl==0.5.1", "psycopg[binary]==3.3.9"),
    ),
    Peer(
        "restate",
        "1.7.12",
        "a journal entry per step: its own log and RocksDB, default settings, one node",
        ("restate-sdk==1.3.0", "hypercorn==0.18.0", "aiohttp==3.14.5"),
        ("@restatedev/restate-server@1.7.12",),
    ),
)
