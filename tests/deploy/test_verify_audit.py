"""`verify` finds what our people did to a saga and nobody wrote down."""

from types import SimpleNamespace
from typing import Any

import pytest

from deploy.evidence import unaudited

STAFF = {"kind": "Cancelled", "staff": True}


def named(inputs: list[dict[str, Any]], *rows: tuple[str, bool]) -> list[str]:
    """The sagas that are named when one has this journal and these audit rows."""
    written = [
        SimpleNamespace(action=action, refused=refused, saga_id="s") for action, refused in rows
    ]
    return unaudited(written, {"s": inputs})


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ({"kind": "Chosen"}, "decide"),
        ({"kind": "Chosen"}, "continue"),
        ({"kind": "Reassigned"}, "reassign"),
        ({"kind": "Hurried"}, "retry"),
        ({"kind": "Paused"}, "pause"),
        ({"kind": "Resumed"}, "resume"),
        (STAFF, "cancel"),
        (STAFF, "undo"),
    ],
)
def test_what_people_did_has_a_row(given: dict[str, Any], action: str) -> None:
    """One that was refused is none, and two deeds need two."""
    assert named([given], (action, False)) == []
    assert named([given]) == ["s"]
    assert named([given], (action, True)) == ["s"]
    assert named([given, given], (action, False)) == ["s"]


def test_what_customers_and_services_did_needs_none() -> None:
    """A customer who cancels is none of our people."""
    others = ({"kind": kind} for kind in ("Start", "Answer", "Wake"))
    assert named([*others, {"kind": "Cancelled", "staff": False}]) == []
