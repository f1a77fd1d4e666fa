"""The parcels of an order that is sent in several: what each costs, and when one is given up.

A parcel's part of the payable is as much of what is in none yet as its goods are of the goods that
are in none yet, rounded half up: the last takes the rest, so that all add up to the penny.
"""

from dataclasses import asdict
from typing import Any

from contracts.delivery.service import Loads, Service
from contracts.messages.catalogue import read
from contracts.messages.parcels import (
    GiveUpParcel,
    OpenParcel,
    ParcelForgotten,
    ParcelNotOpened,
    ParcelOpened,
)
from contracts.messages.payable import Payable
from contracts.messages.returns import OrderRefunded
from contracts.messages.values import CustomerId, Money, derived
from contracts.runtime.session import BatchSession
from participants.orders import returns
from participants.orders.payable import goods_of, share
from participants.orders.returns import COMPLETED
from participants.orders.statuses import FORGOTTEN, GIVEN_UP, OPEN, advance, fulfilled, known
from participants.orders.tables import OrderRow, ReturnRow


def handle(orders: Service, loads: Loads) -> None:
    """Let the service handle these commands."""
    orders.handles(OpenParcel, loads=loads)(_open)
    orders.handles(GiveUpParcel, loads=loads)(_give_up)


def _open(command: OpenParcel, session: BatchSession) -> ParcelOpened | ParcelNotOpened:
    row, number = known(session, command.order_id), str(command.parcel)
    parcel = row.parcels.get(number)
    if parcel and parcel["state"] == FORGOTTEN:
        reason = "it was given up before"
        return ParcelNotOpened(order_id=command.order_id, parcel=command.parcel, reason=reason)
    if parcel is None:
        parcel = _opened(row, command)
        row.parcels = {**row.parcels, number: parcel}
    return ParcelOpened(
        order_id=command.order_id,
        parcel=command.parcel,
        amount=Money(amount=parcel["amount"], currency=row.currency),
    )


def _opened(row: OrderRow, command: OpenParcel) -> dict[str, Any]:
    """The parcel as the order keeps it, with its part of the money and of the points."""
    payable: Payable = read(Payable, row.payable)
    others = [each for each in row.parcels.values() if each["state"] != FORGOTTEN]
    goods = goods_of(command.lines)
    left = payable.goods - sum(each["goods"] for each in others)
    last = len(others) + 1 == command.of

    def part(whole: int, name: str) -> int:
        rest = whole - sum(each[name] for each in others)
        return rest if last else share(rest, goods, left)

    return {
        "of": command.of,
        "warehouse": command.warehouse,
        "lines": [asdict(line) for line in command.lines],
        "goods": goods,
        "amount": part(payable.total.amount, "amount"),
        "points": part(payable.points, "points"),
        "state": OPEN,
        "captured": False,
        "carrier": "",
        "tracking": "",
    }


def _give_up(command: GiveUpParcel, session: BatchSession) -> OrderRefunded | ParcelForgotten:
    """Its units count as returned, and what was paid for them as paid back."""
    row, number = known(session, command.order_id), str(command.parcel)
    parcel = row.parcels.get(number)
    if parcel is None or parcel["state"] == FORGOTTEN:
        row.parcels = {**row.parcels, number: {"state": FORGOTTEN}}
        return ParcelForgotten(order_id=command.order_id, parcel=command.parcel)
    return_id = derived(command.order_id, "parcel", number)
    if parcel["state"] != GIVEN_UP and row.status == "cancelled":  # all of it is given back
        return ParcelForgotten(order_id=command.order_id, parcel=command.parcel)
    if parcel["state"] != GIVEN_UP:
        row.parcels = {**row.parcels, number: {**parcel, "state": GIVEN_UP}}
        session.add(_returned(return_id, row, parcel))
        returns.keep(row, returns.units_of(parcel))
        advance(row, "fulfilment_status", fulfilled(row.parcels))
    return OrderRefunded(
        order_id=command.order_id,
        customer_id=CustomerId(row.customer_id),
        return_id=return_id,
        amount=Money(amount=parcel["amount"], currency=row.currency),
        points=parcel["points"],
    )


def _returned(return_id: str, row: OrderRow, parcel: dict[str, Any]) -> ReturnRow:
    """The parcel as a return that is through, so that all returns add up to what the order cost."""
    return ReturnRow(
        id=return_id,
        order_id=row.id,
        state=COMPLETED,
        units=returns.units_of(parcel),
        amount=parcel["amount"],
        points=parcel["points"],
        missing=True,
    )
