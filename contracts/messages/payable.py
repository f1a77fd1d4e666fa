"""What an order costs, part by part: fixed at submit, and the same in every ledger."""

from dataclasses import dataclass

from contracts.messages.values import Money


@dataclass(frozen=True, kw_only=True)
class Payable:
    """total = goods - discount - points + shipping, in minor units of the total's currency.

    Prices contain tax: `tax` is the part of the total that is value-added tax, at `tax_rate` in
    basis points (2000 is 20 %).
    """

    goods: int
    discount: int
    points: int
    shipping: int
    tax: int
    tax_rate: int
    total: Money
