"""COUNTER: points are swapped for goods at the counter, as a value."""

from orchestrator.core.definition import Saga, minutes, pivot, step
from orchestrator.sagas.counter_data import Swap

COUNTER = Saga(
    name="counter",
    version=1,
    data=Swap,
    owner="support",
    deadline=minutes(5),
    steps=(
        step("redeem points", do=Swap.redeem, undo=Swap.restore),
        step("reserve inventory", do=Swap.reserve, undo=Swap.release),
        pivot("hand over", do=Swap.hand_over),
    ),
)
