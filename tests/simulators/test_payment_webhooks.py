"""The payment provider reports what happens: signed, and as a switch says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.simulators.running import Running, until
from tests.simulators.test_payment import hold, post, taken

SECRET = "whsec_simulated"


class Hearer:
    """Takes webhooks, after refusing the first `refusals` of them."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.url, self.refusals = "", 0

    @contextmanager
    def listening(self) -> Iterator["Hearer"]:
        """Answer while the block lasts."""
        hearer = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hearer.refusals -= 1
                if hearer.refusals < 0:
                    header = self.headers["Stripe-Signature"]
                    hearer.events.append(stripe.Webhook.construct_event(body, header, SECRET))
                self.send_response(200 if hearer.refusals < 0 else 500)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield self
        server.shutdown()
        server.server_close()

    def types(self) -> list[str]:
        """What was heard, in order."""
        return [event.type for event in self.events]


@pytest.fixture
def hearer() -> Iterator[Hearer]:
    with Hearer().listening() as listening:
        yield listening


@pytest.fixture
def provider(tmp_path: Path, hearer: Hearer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("CONCERTO_PAYMENT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("CONCERTO_PAYMENT_WEBHOOK_URL", hearer.url)
    with Running("payment", tmp_path) as running:
        yield running


def test_each_change_is_reported_with_what_it_changed(provider: Running, hearer: Hearer) -> None:
    """Held, taken, refunded: each with the object as it was, and by which call."""
    intent = taken(provider)
    post(provider, "/v1/refunds", "r", payment_intent=intent, amount=500)
    until(lambda: len(hearer.events) == 4)
    assert sorted(hearer.types()) == [
        "charge.refunded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "refund.created",
    ]
    by_type = {event.type: event for event in hearer.events}
    held = by_type["payment_intent.amount_capturable_updated"]
    assert held.data.object.status == "requires_capture"
    assert held.request.idempotency_key == "a"
    assert by_type["charge.refunded"].data.object.amount_refunded == 500


@pytest.mark.parametrize(("how", "times"), [("soon", 1), ("twice", 2), ("early", 1)])
def test_a_report_comes_as_the_switch_says(
    provider: Running, hearer: Hearer, how: str, times: int
) -> None:
    """Once or twice under one id; early is before the answer."""
    provider.switch(webhooks=how)
    hold(provider, "a")
    assert how != "early" or len(hearer.events) == 1
    until(lambda: len(provider.records(kind="webhook")) == times)
    assert len(hearer.events) == times
    assert len({event.id for event in hearer.events}) == 1


def test_a_report_that_is_never_made_is_not_made_later(provider: Running, hearer: Hearer) -> None:
    """Switched on again, what was kept quiet stays unsaid."""
    provider.switch(webhooks="never")
    hold(provider, "a")
    provider.switch(webhooks="early")
    post(provider, "/v1/payment_intents/pi_0000000001/cancel", "b")
    assert hearer.types() == ["payment_intent.canceled"]


def test_a_report_that_is_not_taken_comes_again(provider: Running, hearer: Hearer) -> None:
    """Two refusals, then it is heard, under its id."""
    hearer.refusals = 2
    hold(provider, "a")
    until(lambda: len(hearer.events) == 1)
    until(lambda: [r["got"] for r in provider.records(kind="webhook")] == [200])
