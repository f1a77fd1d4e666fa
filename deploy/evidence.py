"""Gathers what `verify` judges: every store as its own service, and the records of the outside."""

import json
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from deploy import benefits
from deploy.benefits import Benefits
from deploy.services import services
from orchestrator.core.advance import advance
from orchestrator.core.definition import Saga, scaled
from orchestrator.core.outlook import ACTIONS
from orchestrator.core.state import begin
from orchestrator.sagas import SAGAS
from orchestrator.shell import audit, store

QUIET = timedelta(minutes=2)
# Where each subscriber keeps the confirmed orders that it applied.
APPLIED = {
    "email": "SELECT subject FROM mails WHERE kind = 'confirmation' AND state <> 'not sent'",
    "crm": "SELECT subject FROM posts WHERE kind = 'order.confirmed'",
    "analytics": "SELECT order_id::text AS subject FROM applied_orders",
    "recommendation": "SELECT order_id::text AS subject FROM applied_orders",
}
# What people tell sagas, and as what the audit knows it.
DEEDS = ("Chosen", "Reassigned", "Hurried", "Paused", "Resumed")
AUDITED = ("decide", "reassign", *ACTIONS)

_SUMS = ", ".join(
    f"coalesce(sum(units) FILTER (WHERE target = '{place}'), 0)"
    f" - coalesce(sum(units) FILTER (WHERE source = '{place}'), 0) AS {place}"
    for place in ("on_hand", "reserved", "shipped")
)
# How every SKU stands, with what the ledger and the reservations say of it at the same instant.
STOCK = f"""
SELECT stock.*, coalesce(held.units, 0) AS held,
       (coalesce(ledger.on_hand, 0), coalesce(ledger.reserved, 0), coalesce(ledger.shipped, 0))
         = (stock.on_hand, stock.reserved, stock.shipped) AS as_entered
FROM stock
LEFT JOIN (SELECT sku, warehouse, {_SUMS} FROM stock_entries GROUP BY 1, 2) AS ledger
  USING (sku, warehouse)
LEFT JOIN (SELECT unit.key AS sku, place.key AS warehouse, sum(unit.value::bigint) AS units
           FROM reservations, json_each(units) AS place, json_each_text(place.value) AS unit
           WHERE state IN ('held', 'backordered', 'committed') GROUP BY 1, 2) AS held
  USING (sku, warehouse)
"""
# The SKUs of which something else is owed than orders wait for.
NOT_OWED = """
SELECT sku FROM (SELECT sku, sum(backordered) AS units FROM stock GROUP BY 1) AS owed
FULL JOIN (SELECT sku, sum(units) AS units FROM backorders GROUP BY 1) AS waited USING (sku)
WHERE coalesce(owed.units, 0) <> coalesce(waited.units, 0)
"""

# The subjects of what waits in a service.
WAITING = """
SELECT envelope ->> 'subject' AS subject FROM attempts WHERE envelope IS NOT NULL UNION
SELECT envelope ->> 'subject' FROM intents WHERE state = 'pending' AND envelope IS NOT NULL
"""
# The subscribers whose tallies are not what their deliveries say.
MISCOUNTED = """
SELECT DISTINCT subscriber FROM (SELECT subscriber, state, count(*) AS count FROM deliveries
WHERE state IN ('handled', 'ignored') GROUP BY 1, 2) AS ended
FULL JOIN tallies USING (subscriber, state) WHERE ended.count IS DISTINCT FROM tallies.count
"""
SAGA_ROWS = (
    "SELECT * FROM sagas ORDER BY id",
    "SELECT order_id FROM submissions",
    "SELECT saga_id, input FROM journal ORDER BY saga_id, version",
    "SELECT * FROM audit ORDER BY number",
)


@dataclass
class Evidence:
    """What is stored, by order id unless its name says otherwise."""

    at_rest: bool = False
    judged: set[str] = field(default_factory=set)
    submitted: set[str] = field(default_factory=set)
    sagas: dict[str, str] = field(default_factory=dict)
    in_review: set[str] = field(default_factory=set)
    sleeping: list[str] = field(default_factory=list)
    replayed: int = 0
    unreplayed: list[str] = field(default_factory=list)
    audited: int = 0
    audit_broken: list[int] = field(default_factory=list)
    unaudited: list[str] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    amounts: dict[str, int] = field(default_factory=dict)
    money: list[Any] = field(default_factory=list)
    refunds: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    provider: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    stock: list[Any] = field(default_factory=list)
    not_owed: list[str] = field(default_factory=list)
    reservations: dict[str, str] = field(default_factory=dict)
    parcels: Counter[str] = field(default_factory=Counter)
    dead: set[tuple[str, str]] = field(default_factory=set)
    waiting: set[tuple[str, str]] = field(default_factory=set)
    miscounted: list[str] = field(default_factory=list)
    shipped: set[str] = field(default_factory=set)
    unsent: Counter[str] = field(default_factory=Counter)
    confirmations: list[str] = field(default_factory=list)
    applied: dict[str, Counter[str]] = field(default_factory=dict)
    pushed: set[str] = field(default_factory=set)
    pushes: Counter[str] = field(default_factory=Counter)
    deliveries: int = 0
    unreported: list[str] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)
    benefits: Benefits = field(default_factory=Benefits)


def gather(config: Settings, simulators: dict[str, str]) -> Evidence:
    """Read every store and every record once."""
    seen = Evidence()
    read = Reader(config)
    seen.benefits = benefits.gather(read)
    _sagas(seen, read, config.time_scale)
    _orders(seen, read)
    _stock(seen, read)
    _deliveries(seen, read)
    _waiting(seen, read)
    _applied(seen, read)
    _outside(seen, simulators)
    _judged(seen, read, config)
    return seen


class Reader:
    """Runs a query as the service that owns the data."""

    def __init__(self, config: Settings) -> None:
        self._config = config

    def __call__(self, service: str, query: str, **values: Any) -> list[Any]:
        """The rows of one query."""
        return self.at_once(service, [query], **values)[0]

    def at_once(self, service: str, queries: Iterable[str], **values: Any) -> list[list[Any]]:
        """The rows of each query, all of one moment: what belongs together is read together."""
        database = Database(service, self._config)
        try:
            with database.transaction() as session:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                return [list(session.execute(text(query), values)) for query in queries]
        finally:
            database.close()


def _sagas(seen: Evidence, read: Reader, time_scale: float) -> None:
    rows, submissions, entries, audited = read.at_once("orchestrator", SAGA_ROWS)
    seen.submitted = {str(row.order_id) for row in submissions}
    seen.sagas = {str(row.subject): row.status for row in rows if row.name == "order"}
    finished = ("completed", "undone")
    seen.in_review = {str(row.subject) for row in rows if row.status == "review"}
    seen.sleeping = [str(r.subject) for r in rows if r.status not in finished and not r.wake_at]
    journal = defaultdict(list)
    for entry in entries:
        journal[entry.saga_id].append(entry.input)
    sagas = {key: scaled(saga, time_scale) for key, saga in SAGAS.items()}
    lost = [r for r in rows if not _replays(r, journal[r.id], sagas[r.name, r.definition])]
    seen.replayed, seen.unreplayed = len(rows), [str(row.subject) for row in lost]
    # Whether the chain holds, and whether whatever a person did to a saga has a row in it.
    seen.audited, seen.audit_broken = len(audited), audit.broken(row._mapping for row in audited)
    seen.unaudited = unaudited(audited, journal)


def unaudited(rows: Sequence[Any], journal: Mapping[Any, list[Any]]) -> list[str]:
    """The sagas to which people did more than these audit rows say."""
    written = Counter(row.saga_id for row in rows if row.action in AUDITED and not row.refused)
    return [str(saga) for saga, told in journal.items() if sum(map(_is_deed, told)) > written[saga]]


def _is_deed(given: Mapping[str, Any]) -> bool:
    """Whether what a saga was told is what one of our people did; customers cancel, too."""
    return given["kind"] in DEEDS or (given["kind"] == "Cancelled" and given["staff"])


def _replays(row: Any, inputs: list[Any], definition: Saga) -> bool:
    """Whether the journal, given to the core again, leads to the stored state."""
    stored = store.loaded(row, lambda *_: definition).state
    first = _first_data(stored)
    state = begin(definition, stored.id, first, stored.started_at, stored.parent)
    for given in inputs:
        state = advance(definition, state, store.unpacked_input(given)).state
    return state == stored


def _first_data(state: Any) -> Any:
    """What the saga knew before it learned anything."""
    learned = {f.name: None for f in fields(state.data) if "learned" in f.metadata}
    return replace(state.data, **learned)


def _orders(seen: Evidence, read: Reader) -> None:
    every = "SELECT id, status, amount, lock, parcels FROM orders WHERE customer_id <> ''"
    rows = read("orders", every)
    for row in rows:
        waiting = [p for p in row.parcels.values() if p["state"] == "open" and p["captured"]]
        seen.unsent[str(row.id)] += len(waiting)
    seen.orders = {str(row.id): row.status for row in rows}
    seen.confirmed = {str(r.id) for r in rows if r.status == "confirmed" or r.lock == "cancel"}
    seen.amounts = {str(row.id): row.amount for row in rows}
    seen.money = read(
        "payments",
        "SELECT order_id::text AS order_id, operation, debit, credit, amount, currency "
        "FROM money_entries ORDER BY id",
    )
    rows = read("shipping", "SELECT order_id FROM shipments WHERE state = 'requested'")
    seen.shipped = {str(row.order_id) for row in rows}


def _stock(seen: Evidence, read: Reader) -> None:
    seen.stock = read("inventory", STOCK)
    seen.not_owed = [row.sku for row in read("inventory", NOT_OWED)]
    rows = read("inventory", "SELECT order_id, state FROM reservations")
    seen.reservations = {str(row.order_id): row.state for row in rows}


def _deliveries(seen: Evidence, read: Reader) -> None:
    confirmed = "SELECT subject FROM events WHERE type = 'concerto.OrderConfirmed.v1'"
    seen.confirmations = [row.subject for row in read("trail", confirmed)]
    ((seen.deliveries,),) = read("trail", "SELECT count(*) FROM deliveries")
    seen.miscounted = [row.subscriber for row in read("trail", MISCOUNTED)]
    at = "SELECT id FROM events WHERE envelope::text LIKE '%@%'"
    seen.personal = [str(row.id) for row in read("trail", at)]
    dead = (
        "SELECT event_id, subscriber, subject FROM deliveries JOIN events ON events.id = event_id "
        "WHERE state = 'dead'"
    )
    for row in read("trail", dead):
        seen.dead.add((row.subscriber, row.subject))
        letter = "SELECT 1 FROM dead_letters WHERE id = :id"
        if not read(row.subscriber, letter, id=row.event_id):
            seen.unreported.append(f"{row.event_id} at {row.subscriber}")


def _waiting(seen: Evidence, read: Reader) -> None:
    """The subjects about which a service has put a message aside, or keeps one during a pause, or
    has something to do outside."""
    for service in services():
        seen.waiting |= {(service.name, row.subject) for row in read(service.name, WAITING)}


def _applied(seen: Evidence, read: Reader) -> None:
    for service, query in APPLIED.items():
        seen.applied[service] = Counter(row.subject for row in read(service, query))
    pushed = "SELECT order_id::text AS subject FROM pushes WHERE state = 'sent'"
    seen.pushed = {row.subject for row in read("notifications", pushed)}


def _outside(seen: Evidence, simulators: dict[str, str]) -> None:
    records = _records(simulators["payment"])
    intents = {r["intent"]["id"]: r["intent"] for r in records if r["kind"] == "intent"}
    refunds = {r["refund"]["id"]: r["refund"] for r in records if r["kind"] == "refund"}
    for intent in intents.values():
        order = intent["metadata"]["order_id"]
        seen.provider.setdefault(order, []).append(intent)
        seen.taken[order] += intent.get("amount_received") or 0
    for refund in refunds.values():
        if refund["status"] == "succeeded":
            seen.refunds[intents[refund["payment_intent"]]["metadata"]["order_id"]] += refund[
                "amount"
            ]
    mails = {record["message_id"]: record["order_id"] for record in _records(simulators["mail"])}
    seen.applied["the mail server"] = Counter(
        order for order in mails.values() if order in seen.sagas
    )
    posts = [r for r in _records(simulators["crm"]) if r["new"] and r["type"] == "order.confirmed"]
    seen.applied["the CRM"] = Counter(post["data"]["order_id"] for post in posts)
    pushes = [record for record in _records(simulators["push"]) if record["new"]]
    seen.pushes = Counter(push["data"]["order_id"] for push in pushes)
    seen.parcels = Counter(record["reference"] for record in _records(simulators["carrier"]))


def _judged(seen: Evidence, read: Reader, config: Settings) -> None:
    """All orders at rest; else those whose saga has not changed for a while."""
    busy = "SELECT count(*) FROM sagas WHERE status IN ('accepted', 'running', 'undoing')"
    ((running,),) = read("orchestrator", busy)
    open_ones = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'retrying')"
    ((pending,),) = read("trail", open_ones)
    seen.at_rest = not running and not pending
    quiet = timedelta(0) if seen.at_rest else QUIET * config.time_scale
    settled = "SELECT subject FROM sagas GROUP BY subject HAVING max(changed_at) <= now() - :quiet"
    seen.judged = {str(row.subject) for row in read("orchestrator", settled, quiet=quiet)}


def _records(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/records", timeout=30) as answer:
        records: list[dict[str, Any]] = json.load(answer)
        return records
