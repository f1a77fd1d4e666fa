"""An import sets the limit of refunds aside while it sends back what has happened; not longer."""

from pathlib import Path

import pytest

from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.client import Platform
from deploy.retail.calls import Calls
from deploy.retail.history import REFUND_LIMIT, WIDE, not_approved_anew
from deploy.retail.memory import Memory

SET = 123_400


class Killed(Exception):
    """The import was ended."""


def test_the_limit_of_refunds_makes_way_and_is_put_back(api: str, tmp_path: Path) -> None:
    """Also when the import is ended in between and run again."""
    calls = Calls(lambda: Platform(api, mint(settings(), "admin", "importer")))
    memory = Memory(tmp_path / "import.json")
    calls("PUT", REFUND_LIMIT, {"amount": SET})

    def limit() -> int:
        return int(calls.get(REFUND_LIMIT)["money"]["amount"])

    def killed() -> None:
        with not_approved_anew(calls, memory):
            assert limit() == WIDE
            raise Killed

    with pytest.raises(Killed):
        killed()
    assert (limit(), memory.refund_limit) == (WIDE, SET)
    calls("PUT", REFUND_LIMIT, {"amount": SET})
    with not_approved_anew(calls, memory):
        assert limit() == WIDE
    assert limit() == SET
    assert memory == Memory(memory.path)
