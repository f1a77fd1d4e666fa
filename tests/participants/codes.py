"""What tests of promotions say and see: codes, wishes, how often a code is used."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from contracts.messages.promotions import ApplyPromotion
from contracts.messages.values import CustomerId, OrderId
from participants.promotions.tables import Promotion
from tests.participants.bench import Bench, new_order

NUMBERS = count(1)
NOW, HOUR = datetime.now(UTC), timedelta(hours=1)
ANN, BOB = CustomerId("ann"), CustomerId("bob")


def offered(desk: Bench, **more: Any) -> str:
    """A new code: ten percent, valid now, without limits unless told otherwise."""
    plain = {"share": 1000, "valid_from": NOW - 2 * HOUR, "least_goods": 0, "enabled": True}
    made = Promotion(**plain | {"code": f"CODE-{next(NUMBERS)}", "uses": 0} | more)
    with desk.host.db.transaction() as session:
        session.add(made)
    return made.code


def apply(code: str, order: OrderId | None = None, customer: CustomerId = ANN) -> ApplyPromotion:
    """A command to take a use for this order, or for a new one."""
    return ApplyPromotion(order_id=order or new_order(), customer_id=customer, code=code)


def uses(desk: Bench, code: str) -> tuple[int, ...]:
    """How often the code is used: as it is counted, by its orders, and by its customers."""
    orders = "SELECT count(*) FROM order_uses WHERE code = p.code AND state = 'applied'"
    customers = "SELECT coalesce(sum(uses), 0) FROM uses_by_customer WHERE code = p.code"
    query = f"SELECT uses, ({orders}), ({customers})::int FROM promotions p WHERE code = :code"
    return desk.rows(query, code=code)[0]
