"""The walk of ORDER: its whole state space, in which no rule is broken."""

from orchestrator.core.explore import explore
from orchestrator.sagas import SAGAS


def test_the_whole_state_space_of_order_has_no_breach() -> None:
    walk = explore(SAGAS["order", 1], most_breaches=1)
    assert walk.breaches == ()
    assert walk.complete
