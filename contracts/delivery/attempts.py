"""How often a message was begun without taking effect, and what is done about it.

What is delivered for the first time is not counted. What comes again may have ended a worker: it is
counted before the work (cheaply: without waiting for the disk) and uncounted with the effect, and a
batch found counted already was interrupted again, so it is run one by one. A message that keeps
failing is tried alone at growing intervals, and at the limit of its service it becomes a dead
letter with the reason.
"""

from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from contracts.delivery.envelope import Envelope, read_envelope, repeated, stored
from contracts.delivery.service import Service
from contracts.delivery.tables import attempts, dead_letters
from contracts.delivery.turn import keepable, letter
from contracts.messages.trail import DeliveryState
from contracts.messages.values import derived
from contracts.runtime.bulk import among, given, packed
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings


class Attempts:
    """The attempts of one service."""

    def __init__(self, service: Service, db: Database, settings: Settings) -> None:
        self._service, self._db = service, db
        self._scale = settings.time_scale

    def begin(self, batch: Sequence[Envelope]) -> list[tuple[str, list[Envelope]]]:
        """Count the batch; the parts to run it in: whole, or one by one when it was begun before.

        Each part has the key it is counted under. Messages that were begun to their limit without
        ever ending are given up here.
        """
        if len(batch) > 1 and self._count([_batch_id(batch)])[0] == 1:
            return [(_batch_id(batch), list(batch))]
        counts = self._count([envelope.id for envelope in batch])
        most = self._service.retries.attempts
        given_up = [e for e, n in zip(batch, counts, strict=True) if n > most]
        for envelope in given_up:
            self._give_up(envelope, "the worker ended each time it was handled")
        return [(envelope.id, [envelope]) for envelope in batch if envelope not in given_up]

    def end(self, session: BatchSession, keys: Collection[str]) -> None:
        """What was counted or kept under `keys` takes effect with the transaction of `session`."""
        session.execute(_ENDED, {"among": list(keys)})

    def keep(self, batch: Sequence[Envelope]) -> None:
        """Keep what comes during a pause; what is put aside already stays as it is."""
        rows = [{"id": e.id, "envelope": stored(e)} for e in {e.id: e for e in batch}.values()]
        with self._db.transaction() as session:
            session.execute(_KEPT, {"rows": packed(sorted(rows, key=itemgetter("id")))})

    def begin_kept(self, kept: Sequence[Envelope]) -> str:
        """Count each of what is run together for the first time; the key of them all. If that ends
        the worker, each is tried alone."""
        self._count([envelope.id for envelope in kept])
        return _batch_id(kept)

    def failed(self, envelope: Envelope, reason: str) -> tuple[DeliveryState, int]:
        """Put a message aside until it is due again, or give it up; its state and attempts."""
        with self._db.transaction() as session:
            count = session.scalar(_failed(envelope, reason)) or 1
            if count < self._service.retries.attempts:
                wait = self._service.retries.after(count) * self._scale
                session.execute(
                    update(attempts)
                    .where(attempts.c.id == envelope.id)
                    .values(due_at=func.now() + wait)
                )
                return "retrying", count
        self._give_up(envelope, reason)
        return "dead", count

    def due(self, limit: int) -> tuple[list[Envelope], list[Envelope]]:
        """Messages whose time has come, taken for as long as an attempt may last: those that were
        only kept, in the order of a batch, and those that failed."""
        with self._db.transaction() as session:
            chosen = (
                select(attempts.c.id)
                .where(attempts.c.due_at <= func.now(), attempts.c.envelope.isnot(None))
                .order_by(attempts.c.due_at, attempts.c.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            taken = session.execute(
                update(attempts)
                .where(attempts.c.id.in_(chosen))
                .values(due_at=func.now() + self._service.retries.longest * self._scale)
                .returning(attempts.c.id, attempts.c.count, attempts.c.envelope)
            )
            rows = sorted(taken, key=lambda row: row.id)
        read = [(row.count, repeated(read_envelope(row.envelope))) for row in rows]
        return [e for count, e in read if not count], [e for count, e in read if count]

    def _count(self, ids: Sequence[str]) -> list[int]:
        with self._db.transaction() as session:
            found = session.execute(_COUNTED, {"ids": list(ids)})
            counts: dict[str, int] = dict(map(tuple, found))
        return [counts[identity] for identity in ids]

    def _give_up(self, envelope: Envelope, reason: str) -> None:
        with self._db.transaction() as session:
            count = session.scalar(
                delete(attempts).where(attempts.c.id == envelope.id).returning(attempts.c.count)
            )
            row = letter(envelope, count or 0, reason)
            session.execute(insert(dead_letters).on_conflict_do_nothing(), row)


def _failed(envelope: Envelope, reason: str) -> Any:
    row = {"error": keepable(reason), "envelope": stored(envelope)}
    return (
        insert(attempts)
        .values(id=envelope.id, count=1, **row)
        .on_conflict_do_update(index_elements=["id"], set_=row)
        .returning(attempts.c.count)
    )


# Only this transaction, which holds nothing else, need not wait for the disk.
_NOT_WAITING = func.set_config("synchronous_commit", "off", True) == "off"
_ENDED = delete(attempts).where(among(attempts.c.id))
_IDS = func.unnest(bindparam("ids", type_=ARRAY(attempts.c.id.type)))
_COUNTED = (
    insert(attempts)
    .from_select(["id", "count"], select(_IDS, literal(1)).where(_NOT_WAITING))
    .on_conflict_do_update(index_elements=["id"], set_={"count": attempts.c.count + 1})
    .returning(attempts.c.id, attempts.c.count)
)


def _kept() -> Any:
    rows = given(attempts, ("id", "envelope"))
    kept = insert(attempts).from_select(
        ["id", "envelope", "count", "due_at"],
        select(rows.c.id, rows.c.envelope, literal(0), func.now()),
    )
    names = ("envelope", "due_at")
    known = {name: func.coalesce(attempts.c[name], kept.excluded[name]) for name in names}
    return kept.on_conflict_do_update(index_elements=["id"], set_=known)


_KEPT = _kept()


def _batch_id(batch: Sequence[Envelope]) -> str:
    return derived(batch[0].id, "batch", *(envelope.id for envelope in batch))
