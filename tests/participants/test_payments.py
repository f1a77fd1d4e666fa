"""Payments holds, lets go of and takes money once, whatever the provider does not say."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Done, Refused
from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentStatusUnknown,
    PaymentVoided,
    QueryPayment,
    VoidPayment,
)
from contracts.messages.values import Money, OrderId
from participants.payments import recording
from participants.payments.handlers import payments
from participants.payments.provider import Hold
from participants.payments.tables import Payment
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.simulators.running import KEY, Running, form, until

PRICE = Money(amount=1999, currency="GBP")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running("payment", tmp_path_factory.mktemp("payment")) as running:
        yield running


@pytest.fixture
def provider(simulator: Running) -> Iterator[Running]:
    yield simulator
    simulator.switch(unknown_silent=True, search_blind=False, slow_seconds=0, silent=False)
    simulator.switch(down=False)


@pytest.fixture(scope="module")
def at_work(postgres: str, simulator: Running) -> Iterator[Bench]:
    more = {"payment_url": simulator.url, "payment_key": KEY}
    with bench(payments, migrated(postgres), **more) as bench_:
        yield bench_


@pytest.fixture
def desk(at_work: Bench, provider: Running) -> Bench:
    return at_work


def authorize(order: OrderId, token: str = "pm_card_visa") -> AuthorizePayment:
    return AuthorizePayment(order_id=order, amount=PRICE, method="card", token=token)


def charges(provider: Running, order: OrderId) -> dict[str, str]:
    """The last status of each of the order's holds, by the provider's id."""
    mine = [r["intent"] for r in provider.records(kind="intent")]
    return {i["id"]: i["status"] for i in mine if i["metadata"]["order_id"] == order}


def statuses(provider: Running, order: OrderId) -> list[str]:
    return list(charges(provider, order).values())


def ledger(desk: Bench, order: OrderId) -> list[tuple[str, int]]:
    """Operations and amounts of the order, oldest first."""
    found = "SELECT operation, amount FROM money_entries WHERE order_id = :id ORDER BY id"
    return [tuple(row) for row in desk.rows(found, id=order)]


def aged(desk: Bench, order: OrderId, by: timedelta) -> None:
    """Let the order's hold have been asked for that much earlier."""
    change = "UPDATE payments SET asked_at = asked_at - :by WHERE order_id = :id"
    desk.rows(change, by=by, id=order)


def test_a_hold_is_made_and_taken(desk: Bench, provider: Running) -> None:
    """Authorized, then captured: one charge at the provider, and the ledger says so."""
    order = new_order()
    held = desk.ask(authorize(order))
    ((reference, status),) = charges(provider, order).items()
    assert held == PaymentAuthorized(order_id=order, amount=PRICE, reference=reference)
    assert status == "requires_capture"
    taken = desk.ask(CapturePayment(order_id=order, amount=PRICE))
    assert taken == PaymentCaptured(order_id=order, amount=PRICE, reference=reference)
    assert charges(provider, order) == {reference: "succeeded"}
    assert ledger(desk, order) == [("hold", 1999), ("settle", 1999), ("capture", 1999)]


def test_the_same_wish_under_many_ids_is_one_charge(desk: Bench, provider: Running) -> None:
    """Five authorizes and five captures at once: one hold, taken once."""
    order = new_order()
    wishes = [desk.send(authorize(order)) for _ in range(5)]
    until(lambda: isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized))
    takes = [desk.send(CapturePayment(order_id=order, amount=PRICE)) for _ in range(5)]
    until(lambda: isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured))
    for wish in (*wishes, *takes):
        assert not isinstance(desk.answer(wish), PaymentFailed)
    assert statuses(provider, order) == ["succeeded"]
    assert [operation for operation, _ in ledger(desk, order)] == ["hold", "settle", "capture"]


def test_a_part_is_taken_and_more_is_not(desk: Bench, provider: Running) -> None:
    """More than is held is refused; a part is taken and the whole hold is settled."""
    order = new_order()
    desk.ask(authorize(order))
    for amount in (Money(amount=2000, currency="GBP"), Money(amount=5, currency="EUR")):
        assert desk.ask(CapturePayment(order_id=order, amount=amount)).code == "amount_not_held"
    part = Money(amount=1500, currency="GBP")
    assert desk.ask(CapturePayment(order_id=order, amount=part)).amount == part
    assert ledger(desk, order) == [("hold", 1999), ("settle", 1999), ("capture", 1500)]


def test_a_declined_card_has_failed_and_another_may_do(desk: Bench, provider: Running) -> None:
    """Declined: failed with the provider's code, nothing held; the next attempt is a new charge."""
    order = new_order()
    failed = desk.ask(authorize(order, "pm_card_chargeDeclined"))
    assert isinstance(failed, PaymentFailed)
    assert (failed.code, charges(provider, order)) == ("card_declined", {})
    assert desk.ask(QueryPayment(order_id=order)) == failed
    assert isinstance(desk.ask(authorize(order)), PaymentAuthorized)
    assert statuses(provider, order) == ["requires_capture"]


def test_a_hold_is_let_go_of(desk: Bench, provider: Running) -> None:
    """Voided twice: canceled once; whoever asks for the hold again is told that it was voided."""
    order = new_order()
    desk.ask(authorize(order))
    for _ in range(2):
        assert desk.ask(VoidPayment(order_id=order)) == PaymentVoided(order_id=order)
    assert statuses(provider, order) == ["canceled"]
    assert ledger(desk, order) == [("hold", 1999), ("release", 1999)]
    assert desk.ask(authorize(order)).code == "voided"
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)).code == "voided"
    assert len(charges(provider, order)) == 1


def test_a_void_that_comes_first_stands(desk: Bench, provider: Running) -> None:
    """Nothing is held when the authorize comes after its void."""
    order = new_order()
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)
    late = desk.ask(authorize(order))
    assert isinstance(late, PaymentFailed)
    assert (late.code, charges(provider, order)) == ("voided", {})


def test_a_void_during_the_hold_is_obeyed(desk: Bench, provider: Running) -> None:
    """While the provider still works on the hold, a void comes: nothing stays held."""
    order = new_order()
    provider.switch(slow_seconds=0.3)
    asked = desk.send(authorize(order))
    desk.send(VoidPayment(order_id=order))
    until(lambda: isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided))
    assert isinstance(desk.answer(asked), PaymentFailed | PaymentStatusUnknown)
    until(lambda: statuses(provider, order) == ["canceled"])
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentVoided)
    assert ledger(desk, order) in ([], [("hold", 1999), ("release", 1999)])


@pytest.mark.parametrize("token", ["pm_sim_timeout_before", "pm_sim_timeout_after"])
def test_a_lost_answer_is_unknown_and_found_later(
    desk: Bench, provider: Running, token: str
) -> None:
    """Never failed; the query learns of the one charge, made before or by the repeat."""
    order = new_order()
    assert isinstance(desk.ask(authorize(order, token)), PaymentStatusUnknown)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)
    assert statuses(provider, order) == ["requires_capture"]


@pytest.mark.parametrize("token", ["pm_sim_timeout_before", "pm_sim_timeout_after"])
def test_what_is_unknown_can_be_let_go_of(desk: Bench, provider: Running, token: str) -> None:
    """After a lost answer the void finds the charge and cancels it; none lands later."""
    order = new_order()
    desk.ask(authorize(order, token))
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)
    assert statuses(provider, order) == ["canceled"]


def test_unknown_for_long_stays_unknown(desk: Bench, provider: Running) -> None:
    """While the provider is silent, query and void are unknown too; then the void is obeyed."""
    order = new_order()
    wishes = (authorize(order, "pm_sim_unknown"), QueryPayment(order_id=order))
    for wish in (*wishes, VoidPayment(order_id=order), QueryPayment(order_id=order)):
        assert isinstance(desk.ask(wish), PaymentStatusUnknown)
    assert statuses(provider, order) == ["requires_capture"]
    provider.switch(unknown_silent=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentVoided)
    assert statuses(provider, order) == ["canceled"]


def test_the_charge_behind_a_500_is_found(desk: Bench, provider: Running) -> None:
    """The replayed 500 does not hide the charge: it is found by the order's id."""
    order = new_order()
    assert isinstance(desk.ask(authorize(order, "pm_sim_500_after")), PaymentAuthorized)
    assert statuses(provider, order) == ["requires_capture"]


def test_not_found_is_believed_only_after_a_while(desk: Bench, provider: Running) -> None:
    """With the index behind, the charge is unknown, and gone only when that lasts."""
    order, other = new_order(), new_order()
    provider.switch(search_blind=True)
    for one in (order, other):
        assert isinstance(desk.ask(authorize(one, "pm_sim_500_after")), PaymentStatusUnknown)
        assert isinstance(desk.ask(QueryPayment(order_id=one)), PaymentStatusUnknown)
    aged(desk, other, timedelta(minutes=2))
    assert desk.ask(QueryPayment(order_id=other)).code == "not_found"
    provider.switch(search_blind=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)


def test_a_key_the_provider_may_have_forgotten_is_not_used(desk: Bench, provider: Running) -> None:
    """A day later nothing is created by asking; the charge is looked for, and is not there."""
    order = new_order()
    desk.ask(authorize(order, "pm_sim_timeout_before"))
    aged(desk, order, timedelta(days=1))
    assert desk.ask(QueryPayment(order_id=order)).code == "not_found"
    assert charges(provider, order) == {}


def test_a_provider_that_is_down_is_no_refusal(desk: Bench, provider: Running) -> None:
    """503 to everything is unknown; once it is up, the query makes the charge."""
    order = new_order()
    provider.switch(down=True)
    assert isinstance(desk.ask(authorize(order)), PaymentStatusUnknown)
    provider.switch(down=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)


def test_a_lost_capture_is_unknown_and_found_later(desk: Bench, provider: Running) -> None:
    """The money is taken once; what is being taken cannot be voided."""
    order = new_order()
    desk.ask(authorize(order))
    provider.switch(silent=True)
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentStatusUnknown)
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentStatusUnknown)
    provider.switch(silent=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured)
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentStatusUnknown)
    assert statuses(provider, order) == ["succeeded"]


def test_an_expired_hold_is_not_taken(desk: Bench, provider: Running) -> None:
    """The provider let go of the hold: the capture has failed, and the ledger releases it."""
    order = new_order()
    reference = desk.ask(authorize(order)).reference
    path, bearer = f"/v1/payment_intents/{reference}/cancel", f"Bearer {KEY}"
    assert provider.post(path, form(), Authorization=bearer)[0] == 200
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)).code == "hold_expired"
    assert ledger(desk, order) == [("hold", 1999), ("release", 1999)]


def test_nothing_is_known_of_an_order_nobody_named(desk: Bench) -> None:
    """A query is unknown, for the authorize may still travel; a capture has nothing to take."""
    order = new_order()
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentStatusUnknown)
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)).code == "not_held"


def test_a_stale_refusal_does_not_decide_about_a_new_charge(desk: Bench) -> None:
    """The outcome of an earlier attempt leaves the attempt under way as it is."""
    order = new_order()
    wish = desk.send(authorize(order))
    desk.answer(wish)
    desk.rows("UPDATE payments SET state = 'asking' WHERE order_id = :id", id=order)
    stale = _hold(order, "an earlier key")
    answer, state = _record(desk, wish, stale, Refused(reason="declined", code="card_declined"))
    assert (type(answer), state) == (PaymentStatusUnknown, "asking")


def test_a_hold_nobody_waits_for_is_let_go_of(desk: Bench) -> None:
    """A charge that shows up after it was given up becomes a wish to cancel it."""
    order = new_order()
    wish = desk.send(authorize(order, "pm_card_chargeDeclined"))
    desk.answer(wish)
    late = Done(data={"reference": "pi_late"})
    answer, state = _record(desk, wish, _hold(order, wish.id), late)
    assert (type(answer).__name__, answer.reference, state) == ("LetGo", "pi_late", "letting_go")


def test_debits_equal_credits(desk: Bench) -> None:
    """Over everything these tests did, what was debited was credited."""
    desk.ask(authorize(new_order()))
    balances: Counter[str] = Counter()
    for debit, credit, amount in desk.rows("SELECT debit, credit, amount FROM money_entries"):
        balances.update({debit: amount, credit: -amount})
    assert balances["held_at_provider"] > 0
    assert sum(balances.values()) == 0


def test_the_ledger_cannot_be_changed(desk: Bench) -> None:
    """The role of the service may write entries, and neither change nor delete them."""
    may = "SELECT has_table_privilege('concerto_payments', 'payments.money_entries', :right)"
    rights = {right: desk.rows(may, right=right) for right in ("INSERT", "UPDATE", "DELETE")}
    assert rights == {"INSERT": [(True,)], "UPDATE": [(False,)], "DELETE": [(False,)]}


def _hold(order: OrderId, key: str) -> Hold:
    asked = datetime.now(UTC)
    more: Any = {"amount": 1999, "currency": "GBP", "token": "pm_card_visa", "asked_at": asked}
    return Hold(key=key, order_id=order, **more)


def _record(desk: Bench, wish: Envelope, intent: Hold, outcome: Done | Refused) -> tuple[Any, str]:
    """What recording answers, and where the payment then stands."""
    with desk.host.db.transaction() as session:
        session.info["envelope"] = wish
        session.load(Payment, {intent.order_id})
        answer = recording.hold(intent, outcome, session)
        return answer, session.get(Payment, intent.order_id).state
