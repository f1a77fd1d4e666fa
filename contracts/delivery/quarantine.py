"""Tells good messages from bad ones, and keeps the bad ones with the reason, as dead letters."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy.dialects.postgresql import insert

from contracts.delivery.envelope import Envelope, received
from contracts.delivery.tables import dead_letters
from contracts.messages.catalogue import CONTENT_TYPE, Misshapen, UnknownMessage, parsed
from contracts.messages.values import stamped
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings

RAW_CHARACTERS = 4000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Letters:
    """What could not be read, as rows."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, kind: str, raw: str, reason: str) -> None:
        """Keep the beginning of `raw`; the same garbage twice is one row."""
        self.rows.append(
            {
                "id": stamped(EPOCH, hashlib.sha256(raw.encode()).hexdigest()),
                "type": kind[:200],
                "subject": "",
                "attempts": 1,
                "reason": reason,
                "raw": raw[:RAW_CHARACTERS].replace("\x00", "\\0"),
            }
        )

    def write(self, session: BatchSession) -> None:
        """Write the rows with the transaction of `session`."""
        session.execute(insert(dead_letters).on_conflict_do_nothing(), self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows)


def sift(body: str, content_type: str, config: Settings) -> tuple[list[Envelope], Letters]:
    """The envelopes of a body, and what of it could not be read."""
    letters = Letters()
    if len(body) > config.message_bytes:
        letters.add("", body, f"larger than {config.message_bytes} bytes")
    elif content_type != CONTENT_TYPE:
        letters.add("", body, f"the content type is {content_type!r}, not {CONTENT_TYPE}")
    elif "\\u0000" in body or "\x00" in body:
        letters.add("", body, "contains a NUL character, which no table can keep")
    else:
        return _read(body, letters), letters
    return [], letters


def _read(body: str, letters: Letters) -> list[Envelope]:
    try:
        events = parsed(body)
    except Misshapen as error:
        letters.add("", body, f"not a CloudEvents batch: {error}")
        return []
    return [envelope for event in events if (envelope := _one(event, letters))]


def _one(event: msgspec.Raw, letters: Letters) -> Envelope | None:
    try:
        return received(event)
    except (Misshapen, UnknownMessage) as error:
        said = msgspec.json.decode(event)
        kind = said.get("type") if isinstance(said, dict) else ""
        letters.add(str(kind), bytes(event).decode(), str(error))
        return None
