"""What a submitted order must look like, and how a group of them is accepted for good.

Order of commits: names and addresses first, with their owner (`remember`), then the submissions
and their sagas in one transaction. An order answered with 2xx is in the second one.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select, tuple_

from contracts.delivery.due import Host
from contracts.messages.values import (
    ContactId,
    CustomerId,
    Line,
    Money,
    OrderId,
    Sku,
    stamped,
    total,
)
from contracts.runtime.bulk import insert_new
from contracts.runtime.contacts import Contact
from contracts.runtime.crash import passing
from contracts.runtime.session import BatchSession
from orchestrator.sagas.order import ORDER
from orchestrator.sagas.order_data import Order
from orchestrator.shell import runner
from orchestrator.shell.tables import SubmissionRow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_MINOR_UNITS = 10**12
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Remember = Callable[[Sequence[Contact]], None]
Key = tuple[str, str]  # a caller, and that caller's idempotency key
SUBMISSIONS = SubmissionRow.__table__


class Body(BaseModel):
    """Only what is declared is let in."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MoneyBody(Body):
    """An amount in minor units."""

    amount: int = Field(ge=0, le=MOST_MINOR_UNITS)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class LineBody(Body):
    """One line of an order."""

    sku: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")
    quantity: int = Field(ge=1, le=1_000_000)
    unit_price: MoneyBody


class PaymentBody(Body):
    """How it is paid: the token names the card at the provider; a card number is never taken."""

    method: Literal["card"] = "card"
    token: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_\-]+$")


class ShipToBody(Body):
    """Where it goes."""

    name: Text
    email: str = Field(max_length=254, pattern=r"^[^@\s\x00-\x1f<>]+@[^@\s\x00-\x1f<>]+$")
    line1: Text
    city: Text
    postcode: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[^\x00-\x1f]+$")]
    country: str = Field(pattern=r"^[A-Z]{2}$")


class OrderBody(Body):
    """An order as a shop submits it; the prices are the shop's."""

    customer_id: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:\-]+$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    lines: list[LineBody] = Field(min_length=1, max_length=2000)
    payment: PaymentBody
    ship_to: ShipToBody

    @model_validator(mode="after")
    def _one_currency(self) -> "OrderBody":
        if any(line.unit_price.currency != self.currency for line in self.lines):
            raise ValueError(f"every unit_price must be in the order's currency, {self.currency}")
        if sum(line.quantity * line.unit_price.amount for line in self.lines) > MOST_MINOR_UNITS:
            raise ValueError("the order's total is too large")
        return self


class KeyedOrder(OrderBody):
    """An order of a batch, with its idempotency key."""

    key: str = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")

    def order(self) -> OrderBody:
        """The order without its key."""
        return OrderBody.model_construct(**{n: getattr(self, n) for n in OrderBody.model_fields})


@dataclass(frozen=True)
class Submit:
    """An order by one caller under one key."""

    caller: str
    key: str
    body: OrderBody
    fingerprint: str

    @classmethod
    def of(cls, caller: str, key: str, body: OrderBody) -> "Submit":
        """A submit with the fingerprint that tells whether a second one is the same."""
        text = body.model_dump_json(exclude={"key"})
        return cls(caller, key, body, hashlib.sha256(text.encode()).hexdigest())

    @property
    def by(self) -> Key:
        """What it is known by."""
        return self.caller, self.key


Begin = Callable[[OrderId, Submit], runner.Beginning]


@dataclass(frozen=True)
class Accepted:
    """The order a submit stands for; `same` is false when the key was used for another body."""

    order_id: OrderId
    same: bool


class Submissions:
    """Accepts groups of orders on the orchestrator's database; `begin` says what each starts."""

    def __init__(self, host: Host, remember: Remember, begin: Begin) -> None:
        self._host, self._remember, self._begin = host, remember, begin

    def accept(self, group: Sequence[Submit]) -> list[Accepted]:
        """Accept each submit once, in one transaction; twins get the same answer."""
        firsts = {submit.by: submit for submit in reversed(group)}
        submits = [firsts[key] for key in sorted(firsts)]
        self._remember([_contact(submit) for submit in submits])
        known = self._host.run(lambda session: _accept(session, submits, self._begin))
        passing("committed-before-202")
        return [
            Accepted(OrderId(row["order_id"]), row["fingerprint"] == submit.fingerprint)
            for submit in group
            for row in [known[submit.by]]
        ]


def _accept(
    session: BatchSession, submits: Sequence[Submit], begin: Begin
) -> dict[Key, Mapping[str, Any]]:
    """The submission that each key stands for; what is new begins its saga."""
    at = datetime.now(UTC)
    rows: dict[Key, Mapping[str, Any]] = {submit.by: _row(submit, at) for submit in submits}
    new = insert_new(session, SUBMISSIONS, list(rows.values()), "order_id")
    known = [key for key, row in rows.items() if row["order_id"] not in new]
    runner.start(
        session,
        [
            begin(OrderId(rows[submit.by]["order_id"]), submit)
            for submit in submits
            if rows[submit.by]["order_id"] in new
        ],
    )
    return rows | (_known(session, known) if known else {})


def _known(session: BatchSession, keys: Sequence[Key]) -> dict[Key, Mapping[str, Any]]:
    asked = tuple_(SubmissionRow.caller, SubmissionRow.key).in_(keys)
    rows = session.execute(select(SUBMISSIONS).where(asked)).mappings()
    return {(row["caller"], row["key"]): dict(row) for row in rows}


def _row(submit: Submit, at: datetime) -> dict[str, Any]:
    return {
        "caller": submit.caller,
        "key": submit.key,
        "fingerprint": submit.fingerprint,
        "order_id": stamped(at, submit.caller, submit.key),
        "at": at,
    }


def ordered(order_id: OrderId, submit: Submit) -> runner.Beginning:
    """The saga of an order."""
    data = order_of(order_id, submit)
    return runner.Beginning(ORDER, runner.saga_id_of(order_id), order_id, data)


def order_of(order_id: OrderId, submit: Submit) -> Order:
    """What the saga is to know of a submitted order: references instead of personal data."""
    body = submit.body
    lines = tuple(
        Line(
            sku=Sku(line.sku),
            quantity=line.quantity,
            unit_price=Money(amount=line.unit_price.amount, currency=line.unit_price.currency),
        )
        for line in body.lines
    )
    return Order(
        order_id=order_id,
        customer_id=CustomerId(body.customer_id),
        contact_id=contact_id_of(submit),
        lines=lines,
        total=total(lines, body.currency),
        payment_method=body.payment.method,
        payment_token=body.payment.token,
    )


def contact_id_of(submit: Submit) -> ContactId:
    """The contact's id follows from caller and key, so that a repeated submit writes it once."""
    return ContactId(stamped(EPOCH, "contact", submit.caller, submit.key))


def _contact(submit: Submit) -> Contact:
    return Contact(contact_id=contact_id_of(submit), **submit.body.ship_to.model_dump())
