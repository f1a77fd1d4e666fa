"""Orders brought to a named moment of their life, and held there: by a service that stands still,
by a simulator's switch, or by a question to the customer or to a person."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.system.conftest import IN_FLIGHT, Platforms, wait_until
from tests.system.test_webhooks import AUTHENTICATE, is_asked

DEAR = {"amount": 2_000_000, "currency": "GBP"}
NEVER, BLOCKED = 1e9, "pm_card_visa_blocked"
Moment = Callable[[Platforms], AbstractContextManager[str]]


def moments() -> dict[str, Moment]:
    """Every moment by its name, in the order an order meets them."""
    return {
        "not begun": not_begun,
        "creating": at("create order", "orders"),
        "in fraud check": at("check fraud", "fraud"),
        "in review": in_review,
        "reserving": at("reserve inventory", "inventory"),
        "authorizing": at("authorize payment", "payments"),
        "waiting for the customer": waiting_for_the_customer,
        "committing stock": after_paying("commit stock", "inventory"),
        "confirming": after_paying("confirm order", "orders"),
        "capturing": capturing,
        "captured, shipping asked": at("start shipping", "shipping"),
        "handing over": handing_over,
        "shipped": moved("shipped", picked_up_seconds=0, delivered_seconds=NEVER),
        "delivered": moved("delivered", picked_up_seconds=0, delivered_seconds=0),
    }


def at(step: str, *names: str, **choices: Any) -> Moment:
    """The step is sent to its service, which stands still."""

    @contextmanager
    def moment(whole: Platforms) -> Iterator[str]:
        with whole.held(*names):
            (order,) = whole.submit(1, **choices)
            stands(whole, order, step, "doing")
            yield order

    return moment


def after_paying(step: str, name: str) -> Moment:
    """A step after the payment is sent to its service, which has stood still since before that."""

    @contextmanager
    def moment(whole: Platforms) -> Iterator[str]:
        with at("authorize payment", "payments")(whole) as order, whole.held(name):
            whole.go_on("payments")
            stands(whole, order, step, "doing")
            yield order

    return moment


@contextmanager
def not_begun(whole: Platforms) -> Iterator[str]:
    """As many sagas as may be are under way (and soon over: their card is blocked); it waits."""
    whole.http.call("PUT", f"/fraud/blocked-cards/{BLOCKED}", {"reason": "stolen"})
    with whole.held("orders"):
        whole.submit(IN_FLIGHT, token=BLOCKED)
        (order,) = whole.submit(1)
        assert whole.states([order]) == {order: "accepted"}
        yield order


@contextmanager
def in_review(whole: Platforms) -> Iterator[str]:
    """It looks like fraud, and nobody has said yet that it is none."""
    (order,) = whole.submit(1, lines=[{"sku": "SKU-1", "quantity": 1, "unit_price": DEAR}])
    assert whole.wait_ended([order]) == {order: "review"}
    yield order


@contextmanager
def waiting_for_the_customer(whole: Platforms) -> Iterator[str]:
    """The bank wants the customer to authenticate."""
    (order,) = whole.submit(1, token=AUTHENTICATE)
    wait_until("the customer is asked", lambda: is_asked(whole, order))
    yield order


@contextmanager
def capturing(whole: Platforms) -> Iterator[str]:
    """The provider fails before each capture, so that nobody knows."""
    with whole.switched("payment", break_changes="before"):
        (order,) = whole.submit(1)
        stands(whole, order, "capture payment", "doing")
        yield order


@contextmanager
def handing_over(whole: Platforms) -> Iterator[str]:
    """The carrier has taken the parcel, and has not said so yet."""
    with whole.switched("carrier", **dict.fromkeys(SLOW, 1.5)):
        (order,) = whole.submit(1)
        wait_until("the carrier has it", lambda: order in sent(whole))
        yield order


SLOW = ("standard_slow_seconds", "royal_slow_seconds", "swift_slow_seconds")


def moved(fulfilment: str, **switches: float) -> Moment:
    """The parcel has come so far."""

    @contextmanager
    def moment(whole: Platforms) -> Iterator[str]:
        with whole.switched("carrier", **switches):
            (order,) = whole.submit(1)
            wait_until(
                f"it is {fulfilment}",
                lambda: whole.http.get(f"/orders/{order}")["fulfilment_status"] == fulfilment,
            )
            yield order

    return moment


def stands(whole: Platforms, order: str, step: str, status: str) -> None:
    """Wait until a step of the order's saga stands so."""
    wait_until(
        f"{step} is {status}", lambda: whole.step(order, step).get("status", "waiting") == status
    )


def sent(whole: Platforms) -> set[str]:
    """The orders whose parcel a carrier has."""
    return {record["reference"] for record in whole.records("carrier")}
