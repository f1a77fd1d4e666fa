"""START HERE: what fraud does on its one command.

An order is judged once, by the rules of that moment and by the customer's orders before it, those
of the same batch among them. Whoever asks again is told the same.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Integer, Interval, Text, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from contracts.delivery.outbox import put
from contracts.delivery.service import Rows, Service
from contracts.messages.fraud import CheckFraud, FraudCheckFailed, FraudCheckPassed, FraudSuspected
from contracts.messages.values import OrderId
from contracts.runtime.bulk import insert_rows
from contracts.runtime.session import BatchSession
from participants.fraud.rules import REJECT, REVIEW, VELOCITY, Facts, Rule, judge
from participants.fraud.tables import BlockedCard, Check, Customer, RuleRow

# Two workers that judge the first orders of a new customer write its row; one of them begins anew.
fraud = Service("fraud", decides_in=Customer.__tablename__)
RULES, ORDERS = "the rules of this batch", "the orders of its customers, by velocity rule"
Verdict = FraudCheckPassed | FraudSuspected | FraudCheckFailed


def _rows(commands: Sequence[CheckFraud]) -> Iterable[Rows]:
    return (
        (BlockedCard, {command.payment_token for command in commands}),
        (Check, {command.order_id for command in commands}),
        (Customer, {command.customer_id for command in commands}),
    )


@fraud.handles(CheckFraud, loads=_rows)
def check(command: CheckFraud, session: BatchSession) -> Verdict:
    """Judge the order, unless it was judged before."""
    known = session.get(Check, command.order_id)
    if known:
        return _told(known)
    judgement = judge(_rules(session), _facts(command, session))
    row = Check(order_id=command.order_id, customer_id=command.customer_id, **vars(judgement))
    session.add(row)
    _one_more(session, command.customer_id)
    verdict = _told(row)
    if verdict.public:  # a command without effect publishes nothing by itself
        put(session, verdict, subject=command.order_id)
    return verdict


def _told(row: Check) -> Verdict:
    order_id = OrderId(row.order_id)
    if row.verdict == REJECT:
        return FraudCheckFailed(order_id=order_id, rule=row.rule, reason=row.reason)
    if row.verdict == REVIEW:
        return FraudSuspected(order_id=order_id, rule=row.rule, reason=row.reason)
    return FraudCheckPassed(order_id=order_id)


def _facts(command: CheckFraud, session: BatchSession) -> Facts:
    orders = _orders(session)
    return Facts(
        amount=command.amount,
        ship_country=command.ship_country,
        card_country=command.card_country,
        card_blocked=session.get(BlockedCard, command.payment_token) is not None,
        orders={rule: counted[command.customer_id] for rule, counted in orders.items()},
    )


def _rules(session: BatchSession) -> list[Rule]:
    """The rules that are enabled, read at the first call of a batch."""
    if RULES not in session.info:
        session.info[RULES] = [Rule(**row._mapping) for row in session.execute(_ENABLED)]
    rules: list[Rule] = session.info[RULES]
    return rules


def _orders(session: BatchSession) -> dict[str, Counter[str]]:
    """Orders by velocity rule and customer; at the first call those of all in the batch are read.

    Who has no row among the customers has had no order.
    """
    if ORDERS not in session.info:
        velocities = (rule for rule in _rules(session) if rule.kind == VELOCITY)
        session.info[ORDERS] = {rule.id: _counted(session, rule) for rule in velocities}
    orders: dict[str, Counter[str]] = session.info[ORDERS]
    return orders


def _counted(session: BatchSession, rule: Rule) -> Counter[str]:
    known = [customer.customer_id for customer in session.rows(Customer)]
    window = timedelta(seconds=rule.limits["seconds"])
    values = {"customers": known, "window": window, "most": rule.limits["orders"]}
    return Counter(dict(session.execute(_LATEST, values).all()))


def _one_more(session: BatchSession, customer_id: str) -> None:
    """One more order of this customer, for those of the batch that follow."""
    for counted in _orders(session).values():
        counted[customer_id] += 1
    if session.get(Customer, customer_id) is None:
        session.later(_remember, customer_id)


def _remember(session: BatchSession, customers: list[Any]) -> None:
    """In order, so that two who remember the same do not block each other."""
    rows = [{"customer_id": customer_id} for customer_id in sorted(set(customers))]
    insert_rows(session, Customer.__table__, rows)


def _latest() -> Any:
    """How many orders each customer has had in the window, counted no further than `most`."""
    customer = func.unnest(bindparam("customers", type_=ARRAY(Text))).column_valued("customer")
    latest = (
        select(Check.at)
        .where(Check.customer_id == customer)
        .where(Check.at > func.now() - bindparam("window", type_=Interval))
        .order_by(Check.at.desc())
        .limit(bindparam("most", type_=Integer))
        .lateral()
    )
    return select(customer, func.count()).join(latest, true()).group_by(customer)


_ENABLED = (
    select(RuleRow.id, RuleRow.kind, RuleRow.verdict, RuleRow.limits)
    .where(RuleRow.enabled)
    .order_by(RuleRow.id)
)
_LATEST = _latest()
