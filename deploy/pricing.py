"""What a submitted order costs, asked of everyone who has a say, before the order is accepted.

`promotions` says what a code takes off, `shipping` what the sending costs, and `orders` adds it up;
what comes of it is fixed in the order's saga and is the same in every ledger. A past order contains
the tax of the day it was placed on.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from contracts.messages.payable import Payable
from contracts.runtime.database import Database
from orchestrator.http.submit import OrderBody, Price, Submit, lines_of
from participants.orders.payable import fixed, goods_of
from participants.promotions.quote import Discount, Refused, Wanted, quote
from participants.shipping.tariff import price_of

Today = Callable[[], date]


def pricing(promotions: Database, today: Today = lambda: datetime.now(UTC).date()) -> Price:
    """Prices submits; a text instead of a payable says why there is none."""

    def price(submits: Sequence[Submit]) -> list[Payable | str]:
        coded = [submit for submit in submits if submit.body.promotion_code]
        quoted = quote(promotions, [_wanted(submit) for submit in coded]) if coded else []
        by_submit = {submit.by: said for submit, said in zip(coded, quoted, strict=True)}
        on = today()
        return [_priced(submit.body, by_submit.get(submit.by), on) for submit in submits]

    return price


def _priced(body: OrderBody, said: Discount | Refused | None, on: date) -> Payable | str:
    if isinstance(said, Refused):
        return said.reason
    return fixed(
        lines_of(body),
        body.currency,
        discount=said.amount if said else 0,
        points=body.redeem_points,
        shipping=price_of(body.shipping or ""),
        country=body.ship_to.country,
        on=body.placed_at.date() if body.placed_at else on,
    )


def _wanted(submit: Submit) -> Wanted:
    body = submit.body
    return Wanted(
        code=body.promotion_code or "",
        goods=goods_of(lines_of(body)),
        currency=body.currency,
    )
