"""What the provider reports is let in by its signature, counts once, and changes what it should."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event as listening

from contracts.delivery.envelope import Envelope, repeated
from contracts.delivery.service import Unsure
from contracts.messages.payments import (
    CapturePayment,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentStatusUnknown,
    PaymentVoided,
    QueryPayment,
    QueryRefund,
    VoidPayment,
)
from contracts.messages.values import MessageId, OrderId
from contracts.runtime.settings import settings
from deploy.simulators.payment_webhooks import event_of
from participants.payments import http, recording
from participants.payments.refunds import letting_go
from participants.payments.tables import Payment
from participants.payments.webhooks import reported
from tests.edge import served
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, authorize, ledger, statuses
from tests.participants.refunding import captured, part, refunds
from tests.participants.reporting import SECRET, charge, intent, parsed, report
from tests.participants.test_payments_authenticated import TOKEN, decide
from tests.simulators.running import KEY, Running, call, form, until

pytestmark = pytest.mark.usefixtures("switched_back")
HELD = "payment_intent.amount_capturable_updated"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The payment simulator, which knows how to sign."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CONCERTO_PAYMENT_WEBHOOK_SECRET", SECRET)
        with Running("payment", tmp_path_factory.mktemp("payment")) as running:
            yield running


@pytest.fixture
def edge(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where payments takes webhooks."""
    monkeypatch.setenv("CONCERTO_PAYMENT_WEBHOOK_SECRET", SECRET)
    settings.cache_clear()
    with served(http.routes(desk.host.db, desk.host)) as url:
        yield url
    settings.cache_clear()


@pytest.fixture
def told(edge: str, provider: Running) -> Running:
    """The provider, which reports to payments."""
    provider.switch(webhook_url=f"{edge}/webhooks/payments")
    return provider


def test_a_report_counts_once(desk: Bench, edge: str) -> None:
    """Twice under one id: the second is not new; both are answered."""
    order = new_order()
    event = event_of(HELD, intent(order, "another", 1, "requires_capture"))
    assert report(edge, event) == (200, {"new": True})
    assert report(edge, event) == (200, {"new": False})
    kept = "SELECT type, reference FROM webhooks WHERE event_id = :id"
    assert desk.rows(kept, id=event["id"]) == [(HELD, "pi_1")]


def test_what_is_not_signed_by_the_provider_changes_nothing(desk: Bench, edge: str) -> None:
    """400 to another secret, to none, to a stale signature and to no JSON; nothing is kept."""
    event = event_of(HELD, intent(new_order(), "k", 1, "requires_capture"))
    assert report(edge, event, secret="whsec_other")[0] == 400
    assert report(edge, event, age_seconds=3600)[0] == 400
    path = f"{edge}/webhooks/payments"
    assert call("POST", path, b"{}")[0] == 400
    assert call("POST", path, b"\xff\x00", Stripe_Signature="t=1,v1=2")[0] == 400
    assert desk.rows("SELECT 1 FROM webhooks WHERE event_id = :id", id=event["id"]) == []


def test_without_a_secret_nobody_is_let_in(edge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty secret would let everybody sign."""
    monkeypatch.setenv("CONCERTO_PAYMENT_WEBHOOK_SECRET", "")
    settings.cache_clear()
    event = event_of(HELD, intent(new_order(), "k", 1, "requires_capture"))
    assert report(edge, event, secret="")[0] == 400


def test_a_large_body_is_refused(edge: str) -> None:
    """413 before anybody reads it."""
    assert call("POST", f"{edge}/webhooks/payments", b" " * 300_000)[0] == 413


@pytest.mark.parametrize("about", [{"object": "payment_intent"}, {"object": "dispute"}, {}])
def test_what_concerns_nobody_here_is_kept_and_ignored(
    desk: Bench, edge: str, about: dict[str, str]
) -> None:
    """An order of another shop, and what we do not know."""
    event = event_of("something.happened", {"id": "x", **about, "metadata": {"order_id": "17"}})
    assert report(edge, event) == (200, {"new": True})


@pytest.mark.parametrize("how", ["soon", "early", "twice", "never"])
def test_the_same_comes_of_it_however_it_is_reported(desk: Bench, told: Running, how: str) -> None:
    """Before the answer, after it, twice or never: the same states and the same books."""
    told.switch(webhooks=how)
    order = captured(desk)
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)
    until(lambda: how == "never" or len(reports(desk, order)) >= 4)
    other = new_order()
    desk.ask(authorize(other))
    assert isinstance(desk.ask(VoidPayment(order_id=other)), PaymentVoided)
    until(lambda: how == "never" or len(reports(desk, other)) >= 2)
    assert [name for name, _ in ledger(desk, order)] == ["hold", "settle", "capture", "refund"]
    assert ledger(desk, other) == [("hold", 1999), ("release", 1999)]
    assert (refunds(told, order), statuses(told, other)) == ([500], ["canceled"])


def test_a_report_before_the_answer_decides(desk: Bench, told: Running) -> None:
    """The answer to the hold never comes, its report did: authorized, without another call."""
    told.switch(webhooks="early")
    order = new_order()
    assert isinstance(desk.ask(authorize(order, "pm_sim_unknown")), PaymentAuthorized)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)
    assert published(desk, order) == ["concerto.PaymentAuthorized.v1"]
    assert ledger(desk, order) == [("hold", 1999)]


def test_a_charge_taken_by_hand_is_in_the_books(desk: Bench, told: Running, edge: str) -> None:
    """Somebody takes at the provider what we only asked to hold: captured, hold and all."""
    told.switch(webhooks="never")
    order = new_order()
    desk.ask(authorize(order, "pm_sim_unknown"))
    ((key,),) = desk.rows("SELECT create_key FROM payments WHERE order_id = :id", id=order)
    about = intent(order, key, 1, "succeeded", amount_received=1999)
    assert report(edge, event_of("payment_intent.succeeded", about))[0] == 200
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured)
    assert ledger(desk, order) == [("hold", 1999), ("settle", 1999), ("capture", 1999)]


def test_the_bank_reports_that_the_customer_agreed(desk: Bench, told: Running) -> None:
    """Whoever asked for the hold is answered at once, without a query; a query later says the same,
    and it is published once."""
    command = authorize(new_order(), TOKEN)
    envelope = desk.send(command)
    action = desk.answer(envelope)
    assert isinstance(action, PaymentActionRequired)
    decide(action, "succeeded")
    until(lambda: isinstance(desk.answer(envelope), PaymentAuthorized))
    until(lambda: ledger(desk, action.order_id) == [("hold", 1999)])
    told.switch(silent=True)
    order = action.order_id
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)
    desk.host.receive([repeated(envelope)])
    assert isinstance(desk.answer(envelope), PaymentAuthorized)
    assert published(desk, order).count("concerto.PaymentAuthorized.v1") == 1


def test_the_bank_reports_that_the_customer_refused(desk: Bench, told: Running) -> None:
    """Failed, told to whoever asked for the hold, with the provider's code."""
    envelope = desk.send(authorize(new_order(), TOKEN))
    decide(desk.answer(envelope), "failed")
    until(lambda: isinstance(desk.answer(envelope), PaymentFailed))
    failed = desk.answer(envelope)
    assert failed.code == "payment_intent_authentication_failure"


def test_who_undoes_waits_for_no_hold(desk: Bench, told: Running) -> None:
    """Asked to let go, the report answers that alone: the hold is nobody's any more."""
    envelope = desk.send(authorize(new_order(), TOKEN))
    action = desk.answer(envelope)
    assert isinstance(desk.ask(VoidPayment(order_id=action.order_id)), PaymentVoided)
    until(lambda: "payment_intent.canceled" in reports(desk, action.order_id))
    assert desk.answer(envelope) == action
    assert published(desk, action.order_id) == [
        "concerto.PaymentActionRequired.v1",
        "concerto.PaymentVoided.v1",
    ]


def test_reports_that_come_together_are_one_transaction(desk: Bench) -> None:
    """Of many orders, one of them twice: each is applied once, with one lock for all."""
    orders = [new_order() for _ in range(20)]
    desk.send_all([authorize(order, TOKEN) for order in orders])
    keyed = "SELECT order_id, create_key FROM payments WHERE order_id::text = ANY(:ids)"
    keys = dict(until(lambda: desk.rows(keyed, ids=orders)))
    events = [
        parsed(HELD, intent(order, keys[order], number, "requires_capture"))
        for number, order in enumerate(orders)
    ]
    asked: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    listening.listen(desk.host.db.engine, "before_cursor_execute", count)
    new = desk.host.run(lambda session: reported(session, [*events, events[0]]))
    listening.remove(desk.host.db.engine, "before_cursor_execute", count)
    assert new == [True] * 20 + [False]
    assert len([each for each in asked if "FROM payments" in each]) == 1
    assert all(ledger(desk, order) == [("hold", 1999)] for order in orders)


def test_a_delayed_report_changes_nothing_any_more(desk: Bench, told: Running) -> None:
    """It comes when all is done."""
    told.switch(webhooks="delayed", webhook_delay_seconds=0.5)
    order = captured(desk)
    until(lambda: len(reports(desk, order)) == 2)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured)
    assert ledger(desk, order) == [("hold", 1999), ("settle", 1999), ("capture", 1999)]


@pytest.mark.parametrize("how", ["delayed", "never"])
def test_a_refund_without_an_answer_is_found_out_by_its_report(
    desk: Bench, told: Running, edge: str, how: str
) -> None:
    """By the report of the refund, or, where the charge tells a sum alone, by asking once more:
    nobody has to query."""
    order = captured(desk)
    told.switch(refunds="lost", webhooks=how, webhook_delay_seconds=4)
    assert isinstance(desk.ask(part(order, "r1")), PaymentStatusUnknown)
    if how == "never":
        assert report(edge, event_of("charge.refunded", charge(order, "", 1, 500)))[0] == 200
    state = "SELECT state, reference FROM refunds WHERE order_id = :id"
    until(lambda: [kind for kind, _ in desk.rows(state, id=order)] == ["given"])
    refunded = desk.ask(QueryRefund(order_id=order, refund_id="r1"))
    assert refunded.reference.startswith("re_")
    assert published(desk, order).count("concerto.PaymentRefunded.v1") == 1
    assert refunds(told, order) == [500]


def test_a_reported_hold_that_nobody_wants_is_let_go_of(desk: Bench, told: Running) -> None:
    """A charge that was given up shows up by its report: it is canceled, and nobody had to ask."""
    order = new_order()
    desk.ask(authorize(order, "pm_card_chargeDeclined"))
    ((key,),) = desk.rows("SELECT create_key FROM payments WHERE order_id = :id", id=order)
    fields = {
        "amount": 1999,
        "currency": "gbp",
        "capture_method": "manual",
        "payment_method": "pm_card_visa",
        "metadata[order_id]": order,
        "metadata[key]": key,
    }
    made = told.post("/v1/payment_intents", form(**fields), Authorization=f"Bearer {KEY}")
    assert made[0] == 200
    until(lambda: statuses(told, order) == ["canceled"])
    until(lambda: ledger(desk, order) == [("hold", 1999), ("release", 1999)])


def test_what_a_report_made_us_ask_is_answered_to_nobody(desk: Bench) -> None:
    """The outcome of a call that payments wished for itself is recorded, and that is all."""
    order = new_order()
    desk.ask(authorize(order))
    with desk.host.db.session() as session:
        payment = session.get(Payment, order)
        for source in ("payments", "asker"):
            envelope = Envelope(
                id=MessageId(order),
                message=VoidPayment(order_id=order),
                source=source,
                at=datetime.now(UTC),
                subject=order,
            )
            session.info.update(envelope=envelope, service="payments", events=[])
            answer = recording.let_go(letting_go(payment), Unsure(reason="no answer"), session)
            assert (answer is None) == (source == "payments")
        session.rollback()


def test_a_capture_reported_first_is_taken_once(desk: Bench, told: Running) -> None:
    """The capture's report comes before its answer."""
    order = new_order()
    desk.ask(authorize(order))
    told.switch(webhooks="early", break_changes="after")
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentCaptured)
    assert ledger(desk, order) == [("hold", 1999), ("settle", 1999), ("capture", 1999)]


def reports(desk: Bench, order: OrderId) -> list[str]:
    """What the provider reported of this order."""
    kept = "SELECT type FROM webhooks WHERE order_id = :order"
    return [kind for (kind,) in desk.rows(kept, order=order)]


def published(desk: Bench, order: OrderId) -> list[str]:
    """The types of the events about this order."""
    told = "SELECT envelope->>'type' FROM outbox WHERE envelope->>'subject' = :o ORDER BY position"
    return [kind for (kind,) in desk.rows(told, o=order)]
