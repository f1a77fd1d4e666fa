"""What a submitted order must look like, and how a group of them is accepted for good.

Order of commits: names and addresses first, with their owner (`remember`), then the submissions
and their sagas in one transaction. An order answered with 2xx is in the second one.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator
from sqlalchemy import select, tuple_

from contracts.delivery.due import Host
from contracts.messages.inventory import Short
from contracts.messages.payable import Payable
from contracts.messages.values import (
    ContactId,
    CustomerId,
    Line,
    Money,
    OrderId,
    Sku,
    saga_id_of,
    stamped,
)
from contracts.runtime.access import Customer
from contracts.runtime.bulk import insert_new
from contracts.runtime.contacts import Contact
from contracts.runtime.crash import passing
from contracts.runtime.session import BatchSession
from orchestrator.sagas.order import ORDER
from orchestrator.sagas.order_data import Order
from orchestrator.shell import runner
from orchestrator.shell.tables import SubmissionRow

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAST_CLOCK = timedelta(minutes=5)
MOST_MINOR_UNITS = 10**12
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
CODE = r"^[A-Za-z0-9_\-]+$"
Partial = bool | Literal["backorder"] | None
SHORT: dict[Partial, Short] = {
    None: "ask",
    True: "ship",
    False: "reject",
    "backorder": "backorder",
}
Remember = Callable[[Sequence[Contact], Mapping[ContactId, CustomerId]], None]
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

    method: Literal["card", "wallet", "invoice"] = "card"
    token: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_\-]+$")
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")


class ShipToBody(Body):
    """Where it goes."""

    name: Text
    email: str = Field(max_length=254, pattern=r"^[^@\s\x00-\x1f<>]+@[^@\s\x00-\x1f<>]+$")
    line1: Text
    city: Text
    postcode: Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[^\x00-\x1f]+$")]
    country: str = Field(pattern=r"^[A-Z]{2}$")


class OrderBody(Body):
    """An order as a shop submits it; the prices are the shop's, and so is the time it was placed
    when that was earlier elsewhere."""

    customer_id: Customer
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    lines: list[LineBody] = Field(min_length=1, max_length=2000)
    payment: PaymentBody
    ship_to: ShipToBody
    promotion_code: str | None = Field(None, min_length=1, max_length=64, pattern=CODE)
    redeem_points: int = Field(0, ge=0, le=MOST_MINOR_UNITS)
    accept_partial: Partial = None
    shipping: Literal["cheapest", "fastest"] | None = None
    placed_at: Annotated[AwareDatetime, Field(ge=EPOCH)] | None = None

    @field_validator("placed_at")
    @classmethod
    def _past(cls, placed_at: datetime | None) -> datetime | None:
        if placed_at and placed_at > datetime.now(UTC) + FAST_CLOCK:
            raise ValueError("an order cannot have been placed in the future")
        return placed_at

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


Begin = Callable[[OrderId, Submit, Payable], runner.Beginning]
Price = Callable[[Sequence[Submit]], Sequence[Payable | str]]


@dataclass(frozen=True)
class Accepted:
    """The order a submit stands for; `same` is false when the key was used for another body."""

    order_id: OrderId
    same: bool


@dataclass(frozen=True)
class Declined:
    """The submit stands for no order, and why: it has no price."""

    reason: str


class Submissions:
    """Accepts groups of orders on the orchestrator's database; `price` says what each costs, or
    why it has no price, and `begin` what it starts."""

    def __init__(self, host: Host, remember: Remember, price: Price, begin: Begin) -> None:
        self._host, self._remember, self._price, self._begin = host, remember, price, begin

    def accept(self, group: Sequence[Submit]) -> list[Accepted | Declined]:
        """Accept each submit once, in one transaction; twins get the same answer.

        What is known is answered as it was, whatever it would cost today.
        """
        firsts = {submit.by: submit for submit in reversed(group)}
        submits = [firsts[key] for key in sorted(firsts)]
        prices = dict(zip(sorted(firsts), self._price(submits), strict=True))
        priced = [submit for submit in submits if isinstance(prices[submit.by], Payable)]
        owners = {contact_id_of(s): CustomerId(s.body.customer_id) for s in priced}
        self._remember([_contact(submit) for submit in priced], owners)
        known = self._host.run(lambda session: _accept(session, submits, prices, self._begin))
        passing("committed-before-202")
        return [_answer(submit, known.get(submit.by), prices[submit.by]) for submit in group]


def _accept(
    session: BatchSession,
    submits: Sequence[Submit],
    prices: Mapping[Key, Payable | str],
    begin: Begin,
) -> dict[Key, Mapping[str, Any]]:
    """The submission that each key stands for; what is new and has a price begins its saga."""
    at = datetime.now(UTC)
    rows: dict[Key, Mapping[str, Any]] = {
        submit.by: _row(submit, at) for submit in submits if isinstance(prices[submit.by], Payable)
    }
    new = insert_new(session, SUBMISSIONS, list(rows.values()), "order_id")
    begun = {key: row for key, row in rows.items() if row["order_id"] in new}
    runner.start(
        session,
        [
            begin(OrderId(begun[submit.by]["order_id"]), submit, payable)
            for submit in submits
            if submit.by in begun and isinstance(payable := prices[submit.by], Payable)
        ],
    )
    known = [submit.by for submit in submits if submit.by not in begun]
    return begun | (_known(session, known) if known else {})


def _answer(
    submit: Submit, row: Mapping[str, Any] | None, price: Payable | str
) -> Accepted | Declined:
    if row is None:
        return Declined(str(price))
    return Accepted(OrderId(row["order_id"]), row["fingerprint"] == submit.fingerprint)


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


def ordered(order_id: OrderId, submit: Submit, payable: Payable) -> runner.Beginning:
    """The saga of an order."""
    data = order_of(order_id, submit, payable)
    return runner.Beginning(ORDER, saga_id_of(order_id), order_id, data)


def order_of(order_id: OrderId, submit: Submit, payable: Payable) -> Order:
    """What the saga is to know of a submitted order: references instead of personal data."""
    body = submit.body
    return Order(
        order_id=order_id,
        customer_id=CustomerId(body.customer_id),
        contact_id=contact_id_of(submit),
        lines=lines_of(body),
        payable=payable,
        short=SHORT[body.accept_partial],
        promotion_code=body.promotion_code or "",
        ship_country=body.ship_to.country,
        card_country=body.payment.country or "",
        payment_method=body.payment.method,
        payment_token=body.payment.token,
        speed=body.shipping or "",
        placed_at=body.placed_at,
    )


def lines_of(body: OrderBody) -> tuple[Line, ...]:
    """The lines as messages carry them."""
    return tuple(
        Line(
            sku=Sku(line.sku),
            quantity=line.quantity,
            unit_price=Money(amount=line.unit_price.amount, currency=line.unit_price.currency),
        )
        for line in body.lines
    )


def contact_id_of(submit: Submit) -> ContactId:
    """The contact's id follows from caller and key, so that a repeated submit writes it once."""
    return ContactId(stamped(EPOCH, "contact", submit.caller, submit.key))


def _contact(submit: Submit) -> Contact:
    return Contact(contact_id=contact_id_of(submit), **submit.body.ship_to.model_dump())
