"""All sagas by (name, version), each checked. Start reading in `order.py`."""

from orchestrator.core.check import checked
from orchestrator.core.definition import Saga
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
