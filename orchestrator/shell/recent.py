"""The states that this process decided last, so that the next answer need not read them again.

A state is only believed while the row, locked, has the version it was remembered with; it is
remembered after its commit, never before. Another worker may have gone on with a saga meanwhile:
then the versions differ, and the row is read.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock

from sqlalchemy import event

from contracts.messages.values import SagaId
from contracts.runtime.session import BatchSession
from orchestrator.core.state import State

MOST = 5000
_states: OrderedDict[SagaId, State] = OrderedDict()
_lock = Lock()


def states(versions: Mapping[SagaId, int]) -> dict[SagaId, State]:
    """Those remembered in just these versions."""
    with _lock:
        found = {saga_id: _states.get(saga_id) for saga_id in versions}
    return {i: state for i, state in found.items() if state and state.version == versions[i]}


def remember(session: BatchSession, changed: Sequence[State]) -> None:
    """Remember these states once the transaction of `session` is committed."""
    if changed:
        event.listen(session, "after_commit", lambda _: _keep(changed), once=True)


def _keep(changed: Sequence[State]) -> None:
    with _lock:
        for state in changed:
            _states.pop(state.id, None)
            if not state.finished:
                _states[state.id] = state
        while len(_states) > MOST:
            _states.popitem(last=False)
