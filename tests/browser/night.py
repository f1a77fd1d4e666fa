"""What happened on the stack before anybody looks: an order on each path, by real means."""

import json
import threading
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import psycopg
from typer.testing import CliRunner

from deploy.cli import GROUPS
from deploy.cli.common import app
from tests.system.conftest import Platforms, wait_until

NONE, DEAD_MAIL = "SKU-NONE", "nobody-"
SCRIPT = "<script>alert(1)</script>"
UNREPORTED = "pm_sim_unreported"
RESTS = "recommendation"


@dataclass
class Night:
    """The stack, and the order on each path by the path's name."""

    platform: Platforms
    orders: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the stack answers."""
        return self.platform.stack.url

    def concerto(self, *words: str) -> str:
        """What `concerto …` says at this stack, in this process."""
        for group in GROUPS:
            import_module(f"deploy.cli.{group}")
        done = CliRunner().invoke(app, [*words, "--data", str(self.platform.stack.folder)])
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.stdout

    def said(self, *words: str) -> Any:
        """What `concerto … --json` says."""
        return json.loads(self.concerto(*words, "--json"))

    def saga(self, name: str) -> Any:
        """The saga of the order on a path, as JSON."""
        return self.platform.http.get(f"/sagas/{self.orders[name]}")

    def event(self, name: str, kind: str = "OrderConfirmed") -> Any:
        """The first event of this type of the order on a path."""
        listed = self.platform.http.get(f"/events?order={self.orders[name]}")["events"]
        return next(event for event in listed if event["type"].split(".")[1] == kind)


def happened(platform: Platforms) -> Night:
    """Let all of it happen, as fast as it goes."""
    night = Night(platform)
    _prepare(platform)
    night.orders["unknown"] = _one(platform, token=UNREPORTED)
    night.orders["confirmed"] = _one(platform)
    night.orders["unwanted"] = _unwanted(platform)
    night.orders["declined"] = _one(platform, token="pm_card_chargeDeclined")
    night.orders["hostile"] = _one(platform, lines=[_line(SCRIPT, 1, 1999)])
    night.orders["risky"] = _one(platform, lines=[_line("SKU-1", 1, 1_000_001)])
    night.orders["short"] = _one(platform, lines=[_line("SKU-1", 1, 1999), _line(NONE, 1, 1999)])
    night.orders["undoing"] = _one(platform, lines=[_line("SKU-1", 1, 1999), _line(NONE, 1, 1999)])
    night.orders["cancelled"] = _one(platform)
    night.orders["returned"] = _one(platform)
    night.orders["unmailed"] = _one(platform, mail=DEAD_MAIL)
    night.orders["refused by carriers"] = _one(platform, postcode="SIM-REFUSE")
    ended = [order for name, order in night.orders.items() if name != "unknown"]
    platform.wait_ended([*ended[:-1]])
    platform.wait_delivered()
    _take_back(night)
    _fail(platform)
    wait_until("recommendation rests", lambda: _is_unheard(night))
    _half_undone(night)
    wait_until("all of it has come so far", lambda: _come(night))
    return night


def switched(platform: Platforms, simulator: str, **faults: Any) -> None:
    """Set switches of a simulator."""
    platform.http.call("PUT", f"/simulators/{simulator}/faults", faults)


def _prepare(platform: Platforms) -> None:
    """Stock, a subscriber that is sent what it does not handle, and a mailbox that refuses."""
    platform.http.call("PUT", "/stock/SKU-1", {"quantity": 1000})
    platform.http.call("PUT", f"/stock/{NONE}", {"quantity": 0})
    platform.http.call("POST", "/stock:batch", {"counts": [{"sku": SCRIPT, "quantity": 10}]})
    Night(platform).concerto("topology", "apply", "--subscribe", "onboarding=PaymentAuthorized")
    switched(platform, "mail", refuse=DEAD_MAIL)


def _fail(platform: Platforms) -> None:
    """The CRM is down, a subscriber may not write any more, and one is paused: all have what came
    before."""
    switched(platform, "crm", down=True)
    with psycopg.connect(platform.stack.postgres.url, autocommit=True) as owner:
        owner.execute("REVOKE INSERT, UPDATE ON search.order_index FROM concerto_search")
    why = {"reason": "its disk is full", "for_seconds": 3600}
    platform.http.call("POST", f"/services/{RESTS}/pause", why)


def _take_back(night: Night) -> None:
    """One order is cancelled, and one has come back, for which its money is given back."""
    http = night.platform.http
    why = {"reason": "ordered twice"}
    http.call("POST", f"/orders/{night.orders['cancelled']}/cancel", why)
    path = f"/orders/{night.orders['returned']}/returns"
    http.call("POST", path, {"received": True}, **{"Idempotency-Key": "it-is-back"})


def _half_undone(night: Night) -> None:
    """Undone by support while inventory rests: its undo is sent, and what comes after it waits."""
    http, order = night.platform.http, night.orders["undoing"]
    why = {"reason": "the warehouse moves", "for_seconds": 3600}
    http.call("POST", "/services/inventory/pause", why)
    wait_until("inventory rests", lambda: _is_resting(night))
    saga = night.saga("undoing")
    body = {"action": "undo", "reason": "the customer waits no longer"}
    http.call("POST", f"/sagas/{order}/actions", body | {"seen_version": saga["version"]})


def _is_unheard(night: Night) -> bool:
    """Whether recommendation leaves alone what it is sent: a new order's, for a second."""
    order = night.orders["unheard"] = _one(night.platform)
    night.platform.wait_ended([order])
    threading.Event().wait(1.0)
    listed = night.platform.http.get(f"/events?order={order}&deliveries=true")["events"]
    confirmed = [event for event in listed if event["type"].split(".")[1] == "OrderConfirmed"]
    heard = [d["heard"] for e in confirmed for d in e["deliveries"] if d["subscriber"] == RESTS]
    return heard == [False]


def _is_resting(night: Night) -> bool:
    """Whether inventory leaves alone what it is sent: a new order waits for it, for a second."""
    order = night.orders["resting"] = _one(night.platform)
    never = threading.Event()
    while "sent_at" not in (step := night.platform.step(order, "reserve inventory")):
        never.wait(0.05)
    never.wait(1.0)
    step = night.platform.step(order, "reserve inventory")
    return bool(step["status"] == "doing")


def _come(night: Night) -> bool:
    """Whether a subscriber has failed, a mail is dead, and the payment is in doubt."""
    http = night.platform.http
    states = {row["subscriber"]: row for row in http.get("/consumers")}
    unknown = night.platform.step(night.orders["unknown"], "authorize payment")
    letters = http.get("/dead-letters?service=email")["dead_letters"]
    return bool(states["search"]["retrying"] and letters and unknown.get("kind") == "query")


def _one(platform: Platforms, mail: str = "", **choices: Any) -> str:
    order = platform.order(**choices)
    if mail:
        order["ship_to"]["email"] = f"{mail}{order['ship_to']['email']}"
    (answer,) = platform.http.call("POST", "/orders:batch", {"orders": [order]})
    return str(answer["id"])


def _unwanted(platform: Platforms) -> str:
    """The order of somebody who wants no confirmation by mail."""
    wish = {"kind": "confirmation", "wanted": False}
    platform.http.call("PUT", "/preferences/quiet", {"preferences": [wish]})
    return _one(platform, customer_id="quiet")


def _line(sku: str, quantity: int, amount: int) -> dict[str, Any]:
    price = {"amount": amount, "currency": "GBP"}
    return {"sku": sku, "quantity": quantity, "unit_price": price}
