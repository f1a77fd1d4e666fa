"""Recomputes the invariants (contracts/GUARANTEES.md) from the stores and the outside's records.

At rest every order is judged. While the platform runs, rules that cross services judge only the
orders that have not changed for a while, since the others are still being worked on.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from contracts.delivery.outbox import TRAIL
from contracts.runtime.settings import Settings
from deploy import benefits
from deploy.evidence import Evidence, gather

SHOWN_IDS = 20
OUTSIDE = {"the mail server": "email", "the CRM": "crm"}
REFUSED = "requires_payment_method"
NOT_ITS_OWN = ("expired", "backordered")
HELD = ("held", "backordered", "committed")
HOLDS = {"hold": 1, "release": -1, "settle": -1}


@dataclass(frozen=True)
class Breach:
    """A rule that does not hold, and where."""

    rule: str
    ids: tuple[str, ...]
    text: str


@dataclass
class Checked:
    """How much was checked by rule, and what does not hold."""

    counts: Counter[str] = field(default_factory=Counter)
    breaches: list[Breach] = field(default_factory=list)

    def all_of(self, rule: str, text: str, checked: int, wrong: Iterable[Any]) -> None:
        """Count `checked` checks of `rule`; `wrong` are the ids for which it does not hold."""
        self.counts[rule] += checked
        ids = tuple(sorted({str(identity) for identity in wrong}))
        if ids:
            shown = ", ".join(ids[:SHOWN_IDS])
            more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
            self.breaches.append(Breach(rule, ids, f"{text}: {shown}{more}"))

    def as_json(self) -> dict[str, Any]:
        """As `concerto verify --json` prints it."""
        return {
            "checked": dict(self.counts),
            "breaches": [asdict(breach) for breach in self.breaches],
        }


def verify(config: Settings, simulators: dict[str, str]) -> Checked:
    """Check every rule on what is stored now."""
    seen = gather(config, simulators)
    checked = Checked()
    for rule in RULES:
        rule(seen, checked)
    return checked


def _money_balances(seen: Evidence, checked: Checked) -> None:
    accounts: Counter[tuple[str, str]] = Counter()
    for entry in seen.money:
        accounts[entry.currency, entry.debit] += entry.amount
        accounts[entry.currency, entry.credit] -= entry.amount
    currencies = {currency for currency, _ in accounts}
    wrong = [c for c in currencies if sum(v for (x, _), v in accounts.items() if x == c)]
    checked.all_of("I1", "debits and credits differ in", len(seen.money), wrong)


def _money_is_the_providers(seen: Evidence, checked: Checked) -> None:
    held: Counter[str] = Counter()
    captured: Counter[str] = Counter()
    for entry in seen.money:
        held[entry.order_id] += HOLDS.get(entry.operation, 0) * entry.amount
        captured[entry.order_id] += entry.amount if entry.operation == "capture" else 0
    certain = seen.judged - seen.in_review
    status = {o: "succeeded" if captured[o] else "canceled" for o in certain}
    status |= {o: "requires_capture" for o in certain if held[o]}
    wrong = [o for o in certain if status[o] != (_status(seen, o) or "canceled")]
    checked.all_of("I1", "our ledger is not the provider's record for", len(certain), wrong)
    other = [o for o in certain if captured[o] != seen.taken[o]]
    checked.all_of("I2", "we have not taken what the provider has for", len(certain), other)


def _refunds_are_the_providers(seen: Evidence, checked: Checked) -> None:
    given: Counter[str] = Counter()
    captured: Counter[str] = Counter()
    for entry in seen.money:
        given[entry.order_id] += entry.amount if entry.operation == "refund" else 0
        captured[entry.order_id] += entry.amount if entry.operation == "capture" else 0
    certain = (seen.judged - seen.in_review) & set(captured)
    wrong = [o for o in certain if given[o] != seen.refunds[o]]
    checked.all_of("I1", "our refunds are not the provider's for", len(certain), wrong)
    more = [o for o in captured if given[o] > captured[o]]
    checked.all_of("I3", "more is refunded than was captured of", len(captured), more)


def _one_authorization(seen: Evidence, checked: Checked) -> None:
    live = {
        order: sum(intent["status"] in ("requires_capture", "succeeded") for intent in intents)
        for order, intents in seen.provider.items()
    }
    wrong = [order for order, count in live.items() if count > 1]
    checked.all_of("I2", "more than one live authorization at the provider for", len(live), wrong)


def _confirmed_is_paid(seen: Evidence, checked: Checked) -> None:
    confirmed = [o for o in seen.judged if seen.orders.get(o) == "confirmed"]
    paid = {
        order
        for order, intents in seen.provider.items()
        if any(
            intent["status"] in ("requires_capture", "succeeded")
            and intent["amount"] == seen.amounts.get(order)
            for intent in intents
        )
    }
    paid |= {e.order_id for e in seen.money if e.operation in ("owe", "invoice")}
    wrong = [o for o in confirmed if seen.amounts[o] and o not in paid]
    checked.all_of("I4", "confirmed, and not paid for", len(confirmed), wrong)


def _taken_is_shipped(seen: Evidence, checked: Checked) -> None:
    taken = [o for o in seen.judged if _status(seen, o) == "succeeded"]
    twice = [order for order, parcels in seen.parcels.items() if parcels > 1]
    checked.all_of("I14", "more than one parcel for", len(seen.parcels), twice)
    back = {order for order, amount in seen.refunds.items() if amount >= seen.taken[order]}
    unsent = [o for o, parcels in seen.unsent.items() if o in seen.judged and parcels]
    missing = [o for o in unsent if o not in seen.in_review | back]
    checked.all_of("I5", "a parcel is paid for, neither sent nor given up", len(unsent), missing)
    accounted = seen.shipped | seen.in_review | back
    wrong = [o for o in taken if o not in accounted]
    checked.all_of("I5", "the money is taken, nothing is shipped, nobody asked", len(taken), wrong)


def _rejected_holds_nothing(seen: Evidence, checked: Checked) -> None:
    undone = [o for o in seen.judged if seen.sagas.get(o) == "undone"]
    taken_back = [o for o in seen.judged if seen.orders.get(o) == "cancelled"]
    both = [o for o in taken_back if o in seen.shipped]
    checked.all_of("I15", "cancelled, and sent all the same", len(taken_back), both)
    kept = [o for o in taken_back if _kept(seen, o)]
    checked.all_of("I6", "cancelled, and money is still held or kept for", len(taken_back), kept)
    wrong = [o for o in undone if _status(seen, o) not in ("", "canceled")]
    checked.all_of("I6", "rejected, and money is still held for", len(undone), wrong)
    still = [o for o in undone if seen.reservations.get(o) in HELD or o in seen.shipped]
    checked.all_of("I14", "rejected, and stock is still held or shipped for", len(undone), still)
    shown = [o for o in undone if seen.orders.get(o) not in ("rejected", "cancelled")]
    checked.all_of("I14", "undone, and the order does not say so", len(undone), shown)


def _benefits_are_kept(seen: Evidence, checked: Checked) -> None:
    undone = {order for order in seen.judged if seen.sagas.get(order) == "undone"}
    benefits.judge(seen.benefits, seen.judged, undone, checked.all_of)


def _stock_adds_up(seen: Evidence, checked: Checked) -> None:
    wrong = [
        f"{s.sku} at {s.warehouse}"
        for s in seen.stock
        if s.on_hand + s.reserved + s.shipped != s.received + s.returned + s.adjusted
        or min(s.on_hand, s.reserved, s.shipped, s.shipped - s.returned) < 0
        or not s.as_entered
        or s.reserved != s.held
    ]
    checked.all_of("I8", "stock does not add up for", len(seen.stock), wrong)
    checked.all_of("I8", "not as much is owed as is waited for, of", len(seen.stock), seen.not_owed)
    confirmed = seen.confirmed & seen.judged
    wrong = [o for o in confirmed if seen.reservations.get(o) in NOT_ITS_OWN]
    checked.all_of("I7", "confirmed on a hold that is gone", len(confirmed), wrong)


def _reserved_is_live(seen: Evidence, checked: Checked) -> None:
    held = [o for o, state in seen.reservations.items() if state in HELD and o in seen.judged]
    wrong = [o for o in held if seen.sagas.get(o) in ("completed", "undone")]
    checked.all_of("I9", "stock is held for an order that has ended", len(held), wrong)


def _unfinished_wakes(seen: Evidence, checked: Checked) -> None:
    checked.all_of("I12", "unfinished without a wake-up", len(seen.sagas), seen.sleeping)
    checked.all_of("I13", "the journal does not give the state of", seen.replayed, seen.unreplayed)


def _people_are_audited(seen: Evidence, checked: Checked) -> None:
    broken = seen.audit_broken
    checked.all_of("I23", "the audit was changed at its number", seen.audited, broken)
    checked.all_of("I23", "decided without an audit row: saga", seen.replayed, seen.unaudited)


def _confirmed_once(seen: Evidence, checked: Checked) -> None:
    confirmed = seen.confirmed & seen.judged
    events = Counter(seen.confirmations)
    twice = [order for order, count in events.items() if count > 1]
    checked.all_of("I17", "OrderConfirmed twice for", len(events), twice)
    kept = {order for at, order in seen.waiting if at == TRAIL}
    missing = [order for order in confirmed if order not in events and order not in kept]
    checked.all_of("I16", "confirmed, and not in the event log", len(confirmed), missing)
    ghosts = [o for o in events if o in seen.judged - confirmed]
    checked.all_of("I17", "OrderConfirmed for an order that is not", len(events), ghosts)
    for name, applied in seen.applied.items():
        server = OUTSIDE.get(name, name)
        kept = {o for at, o in seen.waiting if at == server and not applied[o]}
        kept |= {o for at, o in seen.dead if at == server}
        wrong = [o for o in confirmed if applied[o] != 1 and o not in kept]
        checked.all_of("I17", f"not applied exactly once by {name}", len(confirmed), wrong)
        ghosts = [order for order in applied if order in seen.judged and order not in confirmed]
        checked.all_of("I17", f"applied by {name} without a confirmation", len(applied), ghosts)


def _pushed_once(seen: Evidence, checked: Checked) -> None:
    known = (seen.pushed | set(seen.pushes)) & seen.judged
    wrong = [o for o in known if (seen.pushes[o], o in seen.pushed) != (1, True)]
    checked.all_of("I17", "not pushed exactly once to who wanted it", len(known), wrong)


def _all_delivered(seen: Evidence, checked: Checked) -> None:
    wrong = seen.unreported if seen.at_rest else ()
    checked.all_of("I18", "a dead delivery without a dead letter", seen.deliveries, wrong)
    checked.all_of("I18", "not tallied as delivered to", seen.deliveries, seen.miscounted)


def _nothing_personal(seen: Evidence, checked: Checked) -> None:
    checked.all_of("I24", "personal data in a message of", seen.deliveries, seen.personal)


def _accepted_is_known(seen: Evidence, checked: Checked) -> None:
    wrong = [o for o in seen.submitted if o not in seen.sagas]
    checked.all_of("I20", "accepted, and there is no saga for", len(seen.submitted), wrong)
    stray = [o for o in seen.provider if o not in seen.submitted]
    checked.all_of("I22", "charged without an order", len(seen.provider), stray)


def _kept(seen: Evidence, order: str) -> bool:
    """Whether the provider holds or keeps any money of the order."""
    if _status(seen, order) == "requires_capture":
        return True
    return _status(seen, order) == "succeeded" and seen.refunds[order] < seen.taken[order]


def _status(seen: Evidence, order: str) -> str:
    """What the provider says of an order's charge that was not refused; empty without one."""
    held = [i["status"] for i in seen.provider.get(order, ()) if i["status"] != REFUSED]
    return str(held[-1]) if held else ""


def _rules() -> Iterator[Callable[[Evidence, Checked], None]]:
    yield from (_money_balances, _money_is_the_providers, _refunds_are_the_providers)
    yield from (_one_authorization, _confirmed_is_paid)
    yield from (_taken_is_shipped, _rejected_holds_nothing, _stock_adds_up, _reserved_is_live)
    yield from (_unfinished_wakes, _people_are_audited)
    yield from (_confirmed_once, _pushed_once)
    yield from (_all_delivered, _nothing_personal)
    yield from (_accepted_is_known, _benefits_are_kept)


RULES = tuple(_rules())
