"""What an operator does about a saga is shown beforehand, done once, and written down."""

from typing import Any

import pytest

from contracts.messages.fraud import FraudCheckPassed, FraudSuspected
from contracts.messages.inventory import InventoryReserved
from contracts.messages.loyalty import LoyaltyPointsApplied
from contracts.messages.orders import OrderCreated
from contracts.messages.payments import PaymentAuthorized
from contracts.messages.promotions import PromotionApplied
from contracts.messages.returns import ReturnExpected
from tests.http.acts import WHY, acts, journal, replayed, rows
from tests.http.conftest import Edge
from tests.http.people import Ordered, Person, Returned


def authorized(order: Ordered) -> Ordered:
    """An order whose stock, promotion, points and money are held."""
    order.answered("create order", OrderCreated)
    order.answered("check fraud", FraudCheckPassed)
    order.answered("reserve inventory", InventoryReserved)
    order.answered("apply promotion", PromotionApplied)
    order.answered("redeem points", LoyaltyPointsApplied)
    order.answered("authorize payment", PaymentAuthorized)
    return order


def test_a_retry_sends_the_same_command_at_once(edge: Edge, olga: Person, order: Ordered) -> None:
    """Under the same id; what was shown beforehand is what is done."""
    first = journal(edge, order)[0].commands[0]
    _, shown = acts(olga, order, "retry", dry_run=True)
    status, done = acts(olga, order, "retry")
    assert status == 200
    assert (shown.pop("applied"), done.pop("applied")) == (False, True)
    assert (shown.pop("version"), done.pop("version")) == (1, 2)
    assert shown == done
    assert done["commands"] == [
        {
            "id": first["id"],
            "type": "CreateOrder",
            "to": "orders",
            "step": "create order",
            "kind": "do",
            "attempt": 1,
        }
    ]
    assert done["notes"][0] == f"olga has create order tried now: {WHY}"
    assert rows(edge, order) == [("olga", "retry", False)]
    assert replayed(edge, order)


def test_a_dry_run_changes_nothing(edge: Edge, olga: Person, order: Ordered) -> None:
    """Neither saga nor journal nor audit, whatever is tried; what is refused says why."""
    before = order.state()
    for action in ("retry", "cancel", "undo", "pause"):
        assert acts(olga, order, action, dry_run=True)[0] == 200
    for action in ("continue", "resume"):
        status, said = acts(olga, order, action, dry_run=True)
        assert (status, said["type"]) == (409, "/problems/not-now")
    assert order.state() == before
    assert rows(edge, order) == []


def test_a_cancel_says_which_undos_follow_and_what_they_move(
    edge: Edge, olga: Person, order: Ordered
) -> None:
    """The last undo begins, the others follow; money and goods are those that are held."""
    saga = authorized(order)
    _, said = acts(olga, saga, "cancel", dry_run=True)
    assert (said["status"], said["commands"]) == ("undoing", [])
    assert [(one["type"], one["to"]) for one in said["then"]] == [
        ("VoidPayment", "payments"),
        ("RestorePoints", "loyalty"),
        ("WithdrawPromotion", "promotions"),
        ("ReleaseInventory", "inventory"),
        ("RejectOrder", "orders"),
    ]
    data = saga.state().data
    total = {"amount": data.costs.total.amount, "currency": data.costs.total.currency}
    assert said["money"] == [{"step": "authorize payment", "type": "VoidPayment", "amount": total}]
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in data.lines]
    assert said["stock"] == [
        {"step": "reserve inventory", "type": "ReleaseInventory", "lines": lines}
    ]
    assert acts(olga, saga, "cancel")[0] == 200
    assert saga.state().heading == "back"
    status, again = acts(olga, saga, "cancel")
    assert (status, again["detail"]) == (409, "it is being undone already")
    assert rows(edge, saga) == [("olga", "cancel", False), ("olga", "cancel", True)]
    assert replayed(edge, saga)


def test_who_saw_another_version_is_told_what_happened_since(
    edge: Edge, olga: Person, order: Ordered
) -> None:
    """409, with the version there is; the refusal stands in the audit."""
    order.answered("create order", OrderCreated)
    status, said = acts(olga, order, "cancel", seen_version=1)
    assert (status, said["type"], said["version"]) == (409, "/problems/moved-on", 2)
    assert said["detail"].startswith(
        "It is at version 2, and you saw 1. Since then: create order: order created"
    )
    assert rows(edge, order) == [("olga", "cancel", True)]
    assert order.state().heading == "forward"


def test_whoever_is_asked_decides_by_an_action(edge: Edge, olga: Person, order: Ordered) -> None:
    """The role of the review and operators that are it; nobody else, and nothing else."""
    order.answered("create order", OrderCreated)
    order.answered("check fraud", FraudSuspected)
    rita, sam = Person(edge.url, "rita", "risk"), Person(edge.url, "sam")
    _, shown = rita("GET", f"/sagas/{order.saga_id}")
    assert shown["allowed_actions"] == ["continue", "undo"]
    assert {one["because"] for one in shown["actions"] if one["action"] == "pause"} == {
        "this takes operator"
    }
    assert acts(sam, order, "continue")[0] == 403
    assert acts(sam, order, "pause")[0] == 403
    _, shown = acts(rita, order, "continue", dry_run=True)
    assert {one["type"] for one in shown["commands"]} == {"ReserveInventory", "ApplyPromotion"}
    rita.about(order.review(), "claim")
    anne = Person(edge.url, "anne", "admin")
    assert acts(anne, order, "continue")[1]["type"] == "/problems/claimed"
    assert acts(rita, order, "continue")[0] == 200
    refused = [("sam", "continue", True), ("sam", "pause", True)]
    done = [("rita", "claim", False), ("anne", "continue", True), ("rita", "continue", False)]
    assert rows(edge, order) == [*refused, *done]
    assert replayed(edge, order)


def test_an_operator_decides_in_the_place_of_who_is_asked(edge: Edge, olga: Person) -> None:
    """Not while somebody works on it; whoever is of a third role does not."""
    sent_back = Returned.begun(edge.host)
    sent_back.answered("register return", ReturnExpected)
    rita, sam = Person(edge.url, "rita", "risk"), Person(edge.url, "sam")
    status, said = acts(rita, sent_back, "continue")
    assert (status, said["detail"]) == (403, "support or operator decides this.")
    review = sent_back.review()
    sam.about(review, "claim")
    _, shown = olga("GET", f"/sagas/{sent_back.saga_id}")
    assert shown["allowed_actions"] == ["cancel", "pause"]
    sam.about(review, "release")
    assert acts(olga, sent_back, "continue")[0] == 200


def test_a_saga_says_of_every_step_what_comes_and_what_if(
    edge: Edge, olga: Person, order: Ordered
) -> None:
    """Who does it, how often it was tried, what is next, what follows a failure, and what is
    allowed, or why it is not."""
    _, shown = olga("GET", f"/sagas/{order.saga_id}")
    steps = {step["name"]: step for step in shown["steps"]}
    first, pay = steps["create order"], steps["authorize payment"]
    assert (first["command"], first["owner"], first["undo_command"]) == (
        "CreateOrder",
        "orders",
        "RejectOrder",
    )
    assert (first["standing"], first["tried"]) == ("sent, no answer yet", "sent 1 of 6 times")
    assert first["next"] == "it is sent again"
    assert pay["optional"]
    assert not pay["pivot"]
    assert "If it fails, what was done is undone" in pay["if_fails"]
    assert "On “payment status unknown” payments is asked every" in pay["if_fails"]
    after = steps["capture payment"]["if_fails"]
    assert "Refused, it is tried again up to 5 times; then operator decides." in after
    refused = {one["step"]: one["because"] for one in shown["actions"] if not one["allowed"]}
    assert refused["authorize payment"] == "authorize payment has not begun"
    assert (shown["waiting_for"], shown["step"]) == ("orders", "create order")
    assert shown["why"][0] == "The order is at create order."


def test_what_is_tried_again_is_found(edge: Edge, olga: Person, order: Ordered) -> None:
    """Only after the second time."""
    assert order.saga_id not in _retrying(olga)
    acts(olga, order, "retry")
    assert order.saga_id in _retrying(olga)
    order.answered("create order", OrderCreated)
    assert order.saga_id not in _retrying(olga)


def _retrying(who: Person) -> list[str]:
    _, listed = who("GET", "/sagas?retrying=true")
    return [saga["id"] for saga in listed["sagas"]]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "jump"},
        {"reason": ""},
        {"seen_version": -1},
        {"seen_version": None},
        {"for_seconds": 0},
        {"for_seconds": 1e9},
        {"more": 1},
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_done(
    edge: Edge, olga: Person, order: Ordered, body: dict[str, Any]
) -> None:
    """422, and no audit row."""
    asked = {"action": "pause", "reason": WHY, "seen_version": 1, **body}
    assert olga("POST", f"/sagas/{order.saga_id}/actions", asked)[0] == 422
    assert rows(edge, order) == []
