"""Which rule an order breaks, if any: the strongest verdict, and a reason that a person reads.

A rule is data. Its kind says what it looks at, its limits how much of it is too much:

- velocity: the customer has had `orders` orders within `seconds`, and this is one more
- amount: the order is of more minor units than its currency's limit, if that has one
- country_mismatch: the goods go to another country than the card is from, where that is known
- blocked_card: somebody blocked the card
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.messages.values import Money

PASS, REVIEW, REJECT = "pass", "review", "reject"
STRONGEST_FIRST = (REJECT, REVIEW)
VELOCITY, AMOUNT, COUNTRY, CARD = "velocity", "amount", "country_mismatch", "blocked_card"
CURRENCY = re.compile(r"[A-Z]{3}")
ORDERS_MOST = 1000  # so many orders of a customer are counted, at most
SECONDS_MOST = 30 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is not wanted, and the verdict on it."""

    id: str
    kind: str
    verdict: str
    limits: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of an order; `orders` are the customer's earlier ones within the window of each
    velocity rule, by the rule's id."""

    amount: Money
    ship_country: str
    card_country: str
    card_blocked: bool
    orders: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict; the rule and the reason are empty when no rule speaks against the order."""

    verdict: str
    rule: str
    reason: str


def judge(rules: Iterable[Rule], facts: Facts) -> Judgement:
    """The strongest verdict; of several that are as strong, that of the first rule."""
    against = [(rule, reason) for rule in rules if (reason := _broken(rule, facts))]
    if not against:
        return Judgement(verdict=PASS, rule="", reason="")
    rule, reason = min(against, key=lambda each: STRONGEST_FIRST.index(each[0].verdict))
    return Judgement(verdict=rule.verdict, rule=rule.id, reason=reason)


def wanted(kind: str, limits: Mapping[str, int]) -> str:
    """What the limits of a rule of this kind must be; empty when these are."""
    if kind == VELOCITY:
        names = limits.keys() == {"orders", "seconds"}
        fits = names and 1 <= limits["orders"] <= ORDERS_MOST
        fits = fits and 1 <= limits["seconds"] <= SECONDS_MOST
        return "" if fits else f"orders (1 to {ORDERS_MOST}) and seconds (1 to {SECONDS_MOST})"
    if kind == AMOUNT:
        fits = bool(limits) and all(CURRENCY.fullmatch(currency) for currency in limits)
        return "" if fits else "minor units by currency, as in GBP: 1000000"
    return "none for a rule of this kind" if limits else ""


def _broken(rule: Rule, facts: Facts) -> str:
    """Why the order breaks the rule; empty when it does not."""
    if rule.kind == VELOCITY:
        return _too_many(rule, facts)
    if rule.kind == AMOUNT:
        return _too_much(rule, facts)
    if rule.kind == COUNTRY:
        return _elsewhere(facts)
    return "the card is blocked" if rule.kind == CARD and facts.card_blocked else ""


def _too_many(rule: Rule, facts: Facts) -> str:
    most, seconds = rule.limits["orders"], rule.limits["seconds"]
    if facts.orders[rule.id] < most:
        return ""
    return f"more than {most} orders of the customer in {seconds} seconds"


def _too_much(rule: Rule, facts: Facts) -> str:
    currency = facts.amount.currency
    most = rule.limits.get(currency)
    if most is None or facts.amount.amount <= most:
        return ""
    return f"{facts.amount} is more than {Money(amount=most, currency=currency)}"


def _elsewhere(facts: Facts) -> str:
    if facts.card_country in ("", facts.ship_country):
        return ""
    return f"it goes to {facts.ship_country}, the card is from {facts.card_country}"
