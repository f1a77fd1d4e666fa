"""The sagas that this process decided last, so that the next answer need not read them again.

What is remembered may be outdated: another worker may have gone on with the saga. It is believed
nevertheless, because the key of the journal refuses a second decision about the same version of a
saga; the transaction is then rolled back, and run again with what is read. After a rollback nothing
is believed for a while, so that workers which share sagas do not roll back all the time. Threads of
one process wait for each other instead, and a saga is remembered after its commit, never before.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from threading import Condition
from time import monotonic
from typing import NamedTuple

from contracts.messages.values import SagaId
from contracts.runtime.session import BatchSession
from orchestrator.core.state import State

MOST = 5000
DOUBT = 30.0  # seconds
PATIENCE = 5.0  # seconds
_sagas: OrderedDict[SagaId, "Recent"] = OrderedDict()
_deciding: set[SagaId] = set()
_lock = Condition()
_believed_from = 0.0


class Recent(NamedTuple):
    """A saga as this process left it."""

    state: State
    subject: str
    wake_at: datetime | None


def taken(session: BatchSession, ids: Collection[SagaId]) -> list[Recent]:
    """Those that are remembered; nobody else in this process has them before `session` is over."""
    if monotonic() < _believed_from:
        return []
    with _lock:
        _lock.wait_for(lambda: _deciding.isdisjoint(ids), PATIENCE)
        _deciding.update(ids)
        found = [saga for saga in (_sagas.pop(saga_id, None) for saga_id in ids) if saga]
    session.when_over(partial(_over, ids))
    return found


def remember(session: BatchSession, sagas: Sequence[Recent]) -> None:
    """Remember these sagas once the transaction of `session` is committed."""
    session.when_over(lambda committed: _keep(sagas) if committed else None)


def _over(ids: Collection[SagaId], committed: bool) -> None:
    global _believed_from
    with _lock:
        _deciding.difference_update(ids)
        _lock.notify_all()
    if not committed:
        _believed_from = monotonic() + DOUBT


def _keep(sagas: Sequence[Recent]) -> None:
    with _lock:
        for saga in sagas:
            _sagas.pop(saga.state.id, None)
            if not saga.state.finished:
                _sagas[saga.state.id] = saga
        while len(_sagas) > MOST:
            _sagas.popitem(last=False)
