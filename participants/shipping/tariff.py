"""What a customer pays for sending an order, by the speed that was wished for.

Who states no wish pays nothing: the shop's prices contain the cheapest way. In minor units of the
order's currency.
"""

PRICES = {"": 0, "cheapest": 399, "fastest": 899}


def price_of(speed: str) -> int:
    """The price of that speed: cheapest, fastest, or none stated."""
    return PRICES[speed]
