"""Orders are found by what was published about them, in whatever order it was heard."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from contracts.delivery.envelope import Envelope
from contracts.messages.orders import (
    OrderCancelled,
    OrderConfirmed,
    OrderCreated,
    OrderRejected,
    confirmation,
)
from contracts.messages.payments import PaymentFailed
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.values import (
    ContactId,
    CustomerId,
    Line,
    Money,
    OrderId,
    SagaId,
    Sku,
    time_of,
)
from side_effects.search.consumer import search
from side_effects.search.http import Wanted, matching, routes
from tests.counting import statements
from tests.participants.bench import new_order
from tests.side_effects.edge import asked
from tests.side_effects.heard import Subscriber, event, subscriber

ORDERS = 100_000
ALL = "SELECT order_id::text, customer_id, status, amount, currency, created_at, words::text"
ALL += " FROM order_index"


@pytest.fixture
def desk(postgres: str) -> Iterator[Subscriber]:
    """Search with an empty index."""
    with subscriber(search, postgres, "trail") as at_work:
        at_work.rows("DELETE FROM order_index")
        yield at_work


@pytest.fixture
def client(desk: Subscriber, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Whoever searches."""
    with asked(routes(desk.host.db), monkeypatch) as asking:
        yield asking


def pence(amount: int) -> Money:
    """So many pence."""
    return Money(amount=amount, currency="GBP")


def story(order: OrderId) -> list[Envelope]:
    """All that is published about an order that costs less when it is confirmed."""
    lines = tuple(
        Line(sku=Sku(sku), quantity=1, unit_price=pence(300)) for sku in ("85123A", "it's \\ a-1")
    )
    ann = CustomerId("ann")
    messages = [
        OrderCreated(order_id=order, customer_id=ann, total=pence(900)),
        ManualReviewRequired(
            saga_id=SagaId(order),
            order_id=order,
            customer_id=ann,
            contact_id=ContactId(order),
            review_id="r",
            question="Fraud?",
            owner="risk",
        ),
        PaymentFailed(order_id=order, code="declined", reason="Your card was declined."),
        OrderConfirmed(
            order_id=order,
            customer_id=ann,
            contact_id=ContactId(order),
            lines=lines,
            total=pence(600),
        ),
    ]
    return [event(message, order) for message in messages]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("status", ["confirmed", "cancelled"])
def test_events_in_any_order_and_twice_give_the_same_row(
    desk: Subscriber, status: str, seed: int
) -> None:
    """As one batch in their own order, or mixed, in batches of three, and each of them twice."""
    order = new_order()
    said = story(order)
    if status == "cancelled":  # told so that it waits for no confirmation
        late = OrderCancelled(order_id=order, reason="too late", confirmed=False)
        said.append(event(late, order))
    desk.host.receive(said)
    (expected,) = desk.rows(ALL)
    assert expected[1:5] == ("ann", status, 600, "GBP")
    desk.rows("DELETE FROM order_index")
    desk.rows("DELETE FROM inbox WHERE subject = :order", order=order)
    mixed = [*said, *said]
    random.Random(seed).shuffle(mixed)
    for at in range(0, len(mixed), 3):
        for one in mixed[at : at + 3]:  # each as if nobody remembered having heard it
            desk.rows("DELETE FROM inbox WHERE id = :id", id=one.id)
        desk.host.receive(mixed[at : at + 3])
    assert desk.rows(ALL) == [expected]
    assert expected[5] == time_of(order)


def test_a_batch_is_written_in_one_statement(desk: Subscriber) -> None:
    """Twenty events of five orders: the index and the inbox are one statement together."""
    said = [one for _ in range(5) for one in story(new_order())]
    assert len(statements(desk.host.db.engine, lambda: desk.host.receive(said), "order_index")) == 1
    assert desk.rows("SELECT count(*) FROM order_index") == [(5,)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "declined card"}, True),
        ({"q": "85123a"}, True),
        ({"q": "refused"}, False),
        ({"sku": "85123A"}, True),
        ({"sku": "it's \\ a-1"}, True),
        ({"sku": "85123"}, False),
        ({"sku": "A' | 'sku:85123a"}, False),
        ({"status": "confirmed", "customer": "ann"}, True),
        ({"customer": "an"}, False),
        ({"min_total": 600, "max_total": 600}, True),
        ({"min_total": 601}, False),
        ({"from": "2020-01-01T00:00:00Z", "to": "2999-01-01"}, True),
        ({"to": "2020-01-01T00:00:00Z"}, False),
        ({"from": "9999-01-01T00:00:00Z"}, False),
    ],
)
def test_an_order_is_found_by_what_fits_it_and_not_by_anything_else(
    desk: Subscriber, client: TestClient, query: dict[str, Any], found: bool
) -> None:
    """Words and SKUs in any case; a SKU as a whole, whatever stands in it."""
    order = new_order()
    desk.host.receive(story(order))
    answer = client.get("/search/orders", params=query)
    assert answer.status_code == 200, answer.text
    assert [row["order_id"] for row in answer.json()["orders"]] == ([order] if found else [])


def test_an_order_is_found_by_its_id_and_why_it_was_rejected(
    desk: Subscriber, client: TestClient
) -> None:
    """A rejected order that was created has its reason among its words."""
    order = new_order()
    bob, contact = CustomerId("bob"), ContactId(order)
    created = OrderCreated(order_id=order, customer_id=bob, total=pence(1))
    rejected = OrderRejected(
        order_id=order, customer_id=bob, contact_id=contact, reason="out of stock"
    )
    desk.host.receive([event(rejected, order), event(created, order)])
    for q in (order, "stock"):
        (found,) = client.get("/search/orders", params={"q": q}).json()["orders"]
        assert (found["order_id"], found["status"]) == (order, "rejected")


@pytest.mark.parametrize(("was_confirmed", "total"), [(True, 600), (False, 900)])
def test_a_cancelled_order_is_found_as_such(
    desk: Subscriber, client: TestClient, was_confirmed: bool, total: int
) -> None:
    """After its confirmation, or before it and heard of first; by its reason, with its total."""
    order = new_order()
    said = OrderCancelled(order_id=order, reason="found it cheaper", confirmed=was_confirmed)
    heard = [event(said, order)]
    for one in story(order):
        if isinstance(one.message, OrderConfirmed):
            heard[:0] = [replace(one, id=confirmation(order).id)] if was_confirmed else []
        else:
            heard.append(one)
    for one in heard:
        desk.host.receive([one])
    (found,) = client.get("/search/orders?status=cancelled&q=cheaper").json()["orders"]
    assert (found["order_id"], found["total"]["amount"]) == (order, total)


def test_pages_follow_each_other_from_the_newest(desk: Subscriber, client: TestClient) -> None:
    """Three orders in pages of two: each once."""
    orders = [new_order() for _ in range(3)]
    desk.host.receive([one for order in orders for one in story(order)])
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor or not pages:
        more = f"&cursor={cursor}" if cursor else ""
        page = client.get(f"/search/orders?limit=2{more}").json()
        pages.append([row["order_id"] for row in page["orders"]])
        cursor = page["next"]
    newest = sorted(orders, reverse=True)
    assert pages == [newest[:2], newest[2:]]


def test_what_nobody_can_mean_is_refused(client: TestClient) -> None:
    """An unknown parameter, an unknown status, a control character."""
    for query in ({"colour": "red"}, {"status": "lost"}, {"q": "a\x00b"}, {"limit": 0}):
        assert client.get("/search/orders", params=query).status_code == 422


@pytest.fixture(scope="module")
def many(postgres: str) -> Iterator[Subscriber]:
    """An index of 100,000 orders, one of a thousand rejected, each with one of 4,000 SKUs."""
    with subscriber(search, postgres, "trail") as at_work:
        at_work.rows("DELETE FROM order_index")
        at_work.rows(
            "INSERT INTO order_index SELECT"
            " (lpad(to_hex(1700000000000 + n * 60000::bigint), 12, '0')"
            " || md5(n::text)::char(20))::uuid,"
            " 'customer-' || n % 5000, CASE WHEN n % 1000 = 0 THEN 'rejected' ELSE 'confirmed' END,"
            " n % 50000, 'GBP',"
            " to_timestamp(1700000000 + n * 60), strip(array_to_tsvector(ARRAY['sku:' || n % 4000])"
            " || to_tsvector('simple', CASE WHEN n % 1000 = 0 THEN 'out of stock' ELSE '' END))"
            f" FROM generate_series(1, {ORDERS}) n"
        )
        with at_work.host.db.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM ANALYZE order_index"))
        yield at_work
        at_work.rows("TRUNCATE order_index")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": "stock"},
        {"q": "nowhere"},
        {"sku": "17"},
        {"status": "rejected"},
        {"status": "confirmed"},
        {"customer": "customer-17"},
        {"min_total": 49_990},
        {"max_total": 3},
        {"min_total": 100},
        {"from": "2023-11-20T00:00:00Z", "to": "2023-11-21T00:00:00Z"},
        {"sku": "17", "status": "rejected", "min_total": 10},
        {"q": "stock", "customer": "customer-17", "from": "2023-11-20T00:00:00Z"},
        {"status": "review", "max_total": 5},
    ],
    ids=str,
)
def test_no_search_among_a_hundred_thousand_orders_reads_them_all(
    many: Subscriber, query: dict[str, Any]
) -> None:
    """The plan names an index and no sequential scan, and takes few milliseconds."""
    statement: Any = matching(Wanted(**query)).compile(many.host.db.engine)
    with many.host.db.transaction() as session:
        explain = f"EXPLAIN (ANALYZE) {statement}"
        found = session.connection().exec_driver_sql(explain, statement.params)
        plan = "\n".join(found.scalars())
    assert "Seq Scan" not in plan, plan
    assert "Index" in plan
    assert float(plan.rsplit("Execution Time: ", 1)[1].split()[0]) < 200, plan
