"""All sagas by (name, version), each checked. Start reading in `order.py`."""

from orchestrator.core.check import checked
from orchestrator.core.definition import Saga
from orchestrator.sagas.order import ORDER

# The fingerprint of every released version: sagas of that shape may be under way somewhere, so a
# change of shape needs a new version beside it.
RELEASED: dict[tuple[str, int], str] = {("order", 1): "09495098666a942b"}

SAGAS: dict[tuple[str, int], Saga] = {
    (saga.name, saga.version): checked(saga, RELEASED) for saga in (ORDER,)
}
