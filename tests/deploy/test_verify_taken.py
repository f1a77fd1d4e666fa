"""What is paid for is sent, given up or all paid back: no alarm where it is, one where not."""

from collections import Counter

import pytest

from deploy.evidence import Evidence
from deploy.verify import Checked, _taken_is_shipped


@pytest.mark.parametrize(("refunded", "breaches"), [(1200, 0), (700, 2)])
def test_a_paid_parcel_of_an_order_that_was_cancelled_is_no_breach(
    refunded: int, breaches: int
) -> None:
    """All of it was paid back, so that the parcel is neither sent nor given up."""
    seen = Evidence(judged={"o"}, taken=Counter(o=1200), refunds=Counter(o=refunded))
    seen.provider, seen.unsent = {"o": [{"status": "succeeded"}]}, Counter(o=1)
    checked = Checked()
    _taken_is_shipped(seen, checked)
    assert len(checked.breaches) == breaches
