"""What tests of payments say and see: wishes, the provider's charges, the ledger."""

from contracts.messages.payments import AuthorizePayment
from contracts.messages.values import Money, OrderId
from tests.participants.bench import Bench
from tests.simulators.running import Running

PRICE = Money(amount=1999, currency="GBP")


def authorize(order: OrderId, token: str = "pm_card_visa") -> AuthorizePayment:
    """Hold 19.99 on this card."""
    return AuthorizePayment(order_id=order, amount=PRICE, method="card", token=token)


def charges(provider: Running, order: OrderId) -> dict[str, str]:
    """The last status of each of the order's holds, by the provider's id."""
    mine = [r["intent"] for r in provider.records(kind="intent")]
    return {i["id"]: i["status"] for i in mine if i["metadata"]["order_id"] == order}


def statuses(provider: Running, order: OrderId) -> list[str]:
    """The last status of each of the order's holds."""
    return list(charges(provider, order).values())


def ledger(desk: Bench, order: OrderId) -> list[tuple[str, int]]:
    """Operations and amounts of the order, oldest first."""
    found = "SELECT operation, amount FROM money_entries WHERE order_id = :id ORDER BY id"
    return [tuple(row) for row in desk.rows(found, id=order)]
