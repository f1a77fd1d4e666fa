"""All sagas by (name, version), each checked. Start reading in `order.py`."""

from orchestrator.core.check import checked
from orchestrator.core.definition import Saga, command_of
from orchestrator.sagas.cancel import CANCEL
from orchestrator.sagas.order import ORDER
from orchestrator.sagas.parcel import PARCEL
from orchestrator.sagas.returning import RETURN

# The fingerprint of every released version: sagas of that shape may be under way somewhere, so a
# change of shape needs a new version beside it.
RELEASED: dict[tuple[str, int], str] = {
    ("order", 1): "2a32aead7ef9191e",
    ("parcel", 1): "0b08ff1d932e8c8a",
    ("cancel", 1): "305bd085dd2af85f",
    ("return", 1): "008883862e5889b3",
}

SAGAS: dict[tuple[str, int], Saga] = {
    (saga.name, saga.version): checked(saga, RELEASED) for saga in (ORDER, PARCEL, CANCEL, RETURN)
}

# At these steps a saga waits for its children, which are under way in its stead.
PARENTAL: tuple[str, ...] = tuple(
    step.name
    for saga in SAGAS.values()
    for step in saga.flat
    if command_of(step.do).to == "orchestrator"
)
