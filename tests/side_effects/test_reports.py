"""The reports of analytics: sales to the penny, the funnel, failures and cohorts."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count

import pytest
from fastapi.testclient import TestClient

from contracts.delivery.envelope import Envelope
from contracts.messages.base import Message
from contracts.messages.orders import OrderConfirmed, OrderCreated, OrderRejected
from contracts.messages.payments import PaymentAuthorized, PaymentCaptured, PaymentFailed
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import (
    ContactId,
    CustomerId,
    Line,
    MessageId,
    Money,
    OrderId,
    Sku,
    derived,
    stamped,
)
from side_effects.analytics.consumer import analytics
from side_effects.analytics.http import routes
from tests.counting import statements
from tests.side_effects.edge import asked
from tests.side_effects.heard import Subscriber, event, subscriber

NUMBERS = count(1)
ANN = CustomerId("ann")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TABLES = (
    *("sales_by_day", "sales_by_sku", "funnel_by_day", "failures_by_day"),
    *("customer_months", "cohorts"),
)


@pytest.fixture
def desk(postgres: str) -> Iterator[Subscriber]:
    """Analytics with empty sums."""
    with subscriber(analytics, postgres, "trail") as at_work:
        for table in (*TABLES, "reached_steps", "applied_orders"):
            at_work.rows(f"DELETE FROM {table}")
        yield at_work


@pytest.fixture
def client(desk: Subscriber, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Whoever reads the reports."""
    with asked(routes(desk.host.db), monkeypatch) as asking:
        yield asking


def order_of(at: datetime) -> OrderId:
    """A new order, submitted then."""
    return OrderId(stamped(at, "report", str(next(NUMBERS))))


def money(amount: int, currency: str = "GBP") -> Money:
    """So many minor units."""
    return Money(amount=amount, currency=currency)


def confirmed(
    order: OrderId, amount: int, currency: str = "GBP", customer: CustomerId = ANN
) -> OrderConfirmed:
    """The order of one line, confirmed."""
    line = Line(sku=Sku("A"), quantity=1, unit_price=money(amount, currency))
    return OrderConfirmed(
        order_id=order,
        customer_id=customer,
        contact_id=ContactId(order),
        lines=(line,),
        total=money(amount, currency),
    )


def way(order: OrderId) -> list[Message]:
    """All that is said of an order that goes well."""
    return [
        OrderCreated(order_id=order, customer_id=ANN, total=money(100)),
        PaymentAuthorized(order_id=order, amount=money(100), reference="pi"),
        confirmed(order, 100),
        PaymentCaptured(order_id=order, amount=money(100), reference="pi"),
        ShippingRequested(order_id=order, carrier="standard", tracking="T"),
    ]


def rejected(order: OrderId, reason: str) -> OrderRejected:
    """The order is rejected for this reason."""
    return OrderRejected(
        order_id=order, customer_id=CustomerId("ann"), contact_id=ContactId(order), reason=reason
    )


def said_again(envelope: Envelope) -> Envelope:
    """The same answer, given to a command that was sent again: another event."""
    return replace(envelope, id=MessageId(derived(envelope.id, "again")))


def steps(client: TestClient, **query: str) -> dict[str, int]:
    """The funnel as it is reported."""
    found = client.get("/reports/funnel", params=query).json()
    return {row["step"]: row["orders"] for row in found}


def test_sales_are_right_to_the_penny_by_day_and_currency(
    desk: Subscriber, client: TestClient
) -> None:
    """Two hundred orders of odd amounts around midnight in two currencies, told twice."""
    chance = random.Random(1)
    wanted: Counter[tuple[str, str]] = Counter()
    said = []
    for _ in range(200):
        at = datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 2))
        order, amount = order_of(at), chance.randint(1, 99_999)
        currency = chance.choice(["GBP", "EUR"])
        wanted[at.date().isoformat(), currency] += amount
        said.append(event(confirmed(order, amount, currency), order))
    chance.shuffle(said)
    for at_once in (said[:70], said[40:], said):
        desk.host.receive(at_once)
    found = client.get("/reports/sales").json()
    assert {(row["day"], row["sales"]["currency"]): row["sales"]["amount"] for row in found} == (
        dict(wanted)
    )
    assert sum(row["orders"] for row in found) == 200


def test_a_past_order_is_sold_on_the_day_it_was_placed(
    desk: Subscriber, client: TestClient
) -> None:
    """A minute before midnight a year ago, however it is written; it went its way today."""
    order, other = order_of(NOON), order_of(NOON)
    placed_at = datetime(2025, 1, 1, 0, 59, tzinfo=timezone(timedelta(hours=1)))
    past = replace(confirmed(order, 999), placed_at=placed_at)
    desk.host.receive([event(past, order), event(confirmed(other, 1), other)])
    found = client.get("/reports/sales").json()
    assert {row["day"]: row["sales"]["amount"] for row in found} == {
        "2024-12-31": 999,
        "2026-03-10": 1,
    }
    assert client.get("/reports/cohorts").json()[0]["first_month"] == "2024-12-01"
    assert steps(client, **{"from": "2026-03-10"})["confirmed"] == 2


def test_the_funnel_counts_each_order_once_in_each_step(
    desk: Subscriber, client: TestClient
) -> None:
    """Three orders, one of them rejected, one not yet shipped; events mixed, twice, and repeated
    under other ids."""
    all_the_way, waiting, given_up = (order_of(NOON) for _ in range(3))
    said = [event(message, all_the_way) for message in way(all_the_way)]
    said += [event(message, waiting) for message in way(waiting)[:4]]
    said += [event(way(given_up)[0], given_up)]
    said += [event(rejected(given_up, "out of stock"), given_up)]
    said += [said_again(one) for one in said if not isinstance(one.message, OrderConfirmed)]
    random.Random(2).shuffle(said)
    for at in range(0, len(said), 4):
        desk.host.receive(said[max(at - 2, 0) : at + 4])
    assert steps(client) == {
        "created": 3,
        "authorized": 2,
        "confirmed": 2,
        "captured": 2,
        "shipped": 1,
        "rejected": 1,
    }
    assert sum(steps(client, to="2026-03-09").values()) == 0
    last = client.get("/reports/funnel").json()[-1]
    assert last == {"step": "rejected", "orders": 1, "of_created": 0.3333}


def test_reasons_are_counted_without_their_numbers(desk: Subscriber, client: TestClient) -> None:
    """Two orders that fell short by different numbers have the same reason."""
    one, two = order_of(NOON), order_of(NOON)
    messages: list[tuple[OrderId, Message]] = [
        (one, rejected(one, "3 of A are missing")),
        (two, rejected(two, "17 of A are missing")),
        (two, PaymentFailed(order_id=two, code="card_declined", reason="no")),
    ]
    desk.host.receive([event(message, order) for order, message in messages])
    assert client.get("/reports/failures").json() == [
        {"kind": "order rejected", "reason": "# of A are missing", "orders": 2},
        {"kind": "payment failed", "reason": "card_declined", "orders": 1},
    ]
    assert client.get("/reports/failures?from=2026-03-11").json() == []


def test_a_cohort_is_of_the_first_month_whatever_is_heard_first(
    desk: Subscriber, client: TestClient
) -> None:
    """Ann and Bob begin in January, Cid in February; Ann is back in March, heard of first."""
    bob, cid = CustomerId("bob"), CustomerId("cid")
    orders = ((ANN, 3), (ANN, 3), (cid, 2), (bob, 1), (ANN, 1))
    for customer, month in orders:
        order = order_of(datetime(2026, month, 5, tzinfo=UTC))
        desk.host.receive([event(confirmed(order, 1, customer=customer), order)])
    january, february = client.get("/reports/cohorts").json()
    first, third = date(2026, 1, 1).isoformat(), date(2026, 3, 1).isoformat()
    assert january == {
        "first_month": first,
        "customers": 2,
        "months": [
            {"month": first, "customers": 2, "orders": 2, "returning": 1.0},
            {"month": third, "customers": 1, "orders": 2, "returning": 0.5},
        ],
    }
    assert (february["first_month"], february["customers"]) == ("2026-02-01", 1)
    assert client.get("/reports/cohorts?from=2026-02-10").json() == [february]


def test_a_batch_costs_a_few_statements_however_many_its_events(desk: Subscriber) -> None:
    """A hundred events of twenty orders: no more statements than five of one."""

    def counted(orders: int) -> int:
        made = [order_of(NOON) for _ in range(orders)]
        said = [event(m, order) for order in made for m in way(order)]
        asked = statements(desk.host.db.engine, lambda: desk.host.receive(said))
        return len([each for each in asked if "FROM pauses" not in each])  # asked once a second

    assert counted(20) == counted(1) <= 5


def test_two_workers_that_add_at_once_wait_for_each_other_and_lose_nothing(
    desk: Subscriber, client: TestClient
) -> None:
    """Forty small batches of mixed events from two threads: all of them stand in the sums."""
    made = [order_of(NOON) for _ in range(40)]
    batches = [
        [
            *(event(message, order) for message in way(order)),
            event(PaymentFailed(order_id=order, code="declined", reason="no"), order),
        ]
        for order in made
    ]
    for number, batch in enumerate(batches):
        random.Random(number).shuffle(batch)
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(desk.host.receive, batches))
    assert set(list(steps(client).values())[:5]) == {40}
    assert client.get("/reports/failures").json()[0]["orders"] == 40
