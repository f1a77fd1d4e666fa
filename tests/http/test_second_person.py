"""A refund over the limit is decided by somebody who has not acted in it, whatever their role."""

import pytest

from contracts.messages.payments import RefundApproved, RefundNeedsApproval
from contracts.messages.returns import ReturnAccepted, ReturnExpected
from tests.http.conftest import Edge
from tests.http.people import Person, Returned


def over_the_limit(edge: Edge) -> Returned:
    """Ann asked for it, Sam saw the goods, and it costs more than the limit."""
    sent_back = Returned.begun(edge.host, asked_by="ann")
    sent_back.answered("register return", ReturnExpected)
    assert Person(edge.url, "sam").decides(sent_back.review(), "continue")[0] == 200
    sent_back.answered("approve refund", RefundNeedsApproval)
    return sent_back


@pytest.mark.parametrize("name", ["ann", "sam"])
@pytest.mark.parametrize("role", ["operator", "admin"])
def test_who_has_acted_neither_decides_nor_claims_it(edge: Edge, name: str, role: str) -> None:
    """Not as an admin either, and it cannot be given to them; a second person decides."""
    sent_back = over_the_limit(edge)
    review, olga = sent_back.review(), Person(edge.url, "olga", "operator")
    acted = Person(edge.url, name, role)
    for status, said in (
        acted.decides(review, "continue"),
        acted.decides(review, "undo"),
        acted.about(review, "claim"),
        olga.about(review, "reassign", to_person=name, reason="they know it"),
    ):
        assert (status, said["type"]) == (403, "/problems/second-person")
        assert said["detail"] == f"{name} has acted in this before; a second person decides"
    _, listed = olga("GET", "/reviews?role=operator")
    shown = next(one for one in listed["reviews"] if one["id"] == review)
    assert shown["not_by"] == ["ann", "sam"]
    assert olga.about(review, "claim")[0] == 200
    status, said = olga.decides(review, "continue")
    assert (status, said["notes"][1]) == (200, "receive goods: sent to inventory")


def test_a_refund_within_the_limit_asks_nobody(edge: Edge) -> None:
    """It goes on by itself."""
    sent_back = Returned.begun(edge.host, asked_by="ann")
    sent_back.answered("register return", ReturnAccepted)
    sent_back.answered("approve refund", RefundApproved)
    _, saga = Person(edge.url, "sam")("GET", f"/sagas/{sent_back.saga_id}")
    assert (saga["status"], saga["step"]) == ("running", "receive goods")
