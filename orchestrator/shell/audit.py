"""What people did: a row each, chained by digests, so that none is changed or taken out unseen.

Whoever writes a row waits for the one before it to be committed; people are few.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import func, select

from contracts.runtime.bulk import insert_rows
from contracts.runtime.session import BatchSession
from contracts.runtime.tokens import Caller
from orchestrator.shell import store
from orchestrator.shell.store import Loaded
from orchestrator.shell.tables import AuditRow

AUDIT = AuditRow.__table__
LOCK = 0x00A0D17  # an advisory lock of the orchestrator's own


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What was done (`action`) about what (the id of a review, a saga, a dead letter; a service),
    more exactly (`detail`), and why; or what was asked for and `refused`, and the reason of that
    (then the detail)."""

    action: str
    about: str
    detail: str = ""
    reason: str = ""
    refused: bool = False


def write(session: BatchSession, caller: Caller, deed: Deed, saga: Loaded | None = None) -> None:
    """Write down what the caller did, in the transaction that does it: about this saga, if any."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    before = session.execute(_LAST).one_or_none()
    row = {
        "number": before.number + 1 if before else 1,
        "at": store.now(session),
        "by": caller.subject,
        "role": caller.role,
        "saga_id": saga and saga.state.id,
        "subject": saga and saga.subject,
        **asdict(deed),
    }
    insert_rows(session, AUDIT, [{**row, "digest": digest(before.digest if before else "", row)}])


def digest(before: str, row: Mapping[str, Any]) -> str:
    """The digest of a row, made with that of the row before it."""
    told = {name: row[name] for name in sorted(AUDIT.columns.keys()) if name != "digest"}
    told["at"] = told["at"].astimezone(UTC).isoformat()
    told |= {name: told[name] and str(told[name]) for name in ("saga_id", "subject")}
    text = json.dumps([before, told], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def broken(rows: Iterable[Mapping[str, Any]]) -> list[int]:
    """The numbers at which the chain of these rows, all of them in order, does not hold."""
    before, wrong = "", []
    for number, row in enumerate(rows, 1):
        if (row["number"], row["digest"]) != (number, digest(before, row)):
            wrong.append(row["number"])
        before = row["digest"]
    return wrong


_LAST = select(AUDIT.c.number, AUDIT.c.digest).order_by(AUDIT.c.number.desc()).limit(1)
