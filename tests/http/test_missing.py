"""Who may say that what was ordered is not there."""

import pytest

from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.client import Answered, Platform

NO_ORDER = "01a21912-aebb-8009-989c-096f39b76232"


@pytest.mark.parametrize(
    ("role", "status"), [("customer", 403), ("shop", 403), ("support", 404), ("operator", 404)]
)
def test_support_says_what_is_missing(api: str, role: str, status: int) -> None:
    """A customer or a shop is refused, whatever the order; who may say it is told that there is
    none."""
    platform = Platform(api, mint(settings(), role, "somebody"))
    with pytest.raises(Answered) as refused:
        platform.call(
            "POST",
            f"/orders/{NO_ORDER}/returns",
            {"reason": "missing"},
            **{"Idempotency-Key": "missing"},
        )
    assert refused.value.status == status
