"""All sagas by (name, version). Start reading in `order.py`."""

from orchestrator.core.definition import Saga
from orchestrator.sagas.order import ORDER

SAGAS: dict[tuple[str, int], Saga] = {(saga.name, saga.version): saga for saga in (ORDER,)}
