"""The carrier, the mail inbox and the CRM: what they take, refuse, and leave unsaid."""

import json
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from deploy.local.servers import free_port
from tests.simulators.running import CRM_SECRET, Running, until

SOON = 0.5


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Running]:
    with Running("carrier", tmp_path) as running:
        yield running


def ship(
    carrier: Running, key: str, postcode: str = "E1 1AA", seconds: float = 5.0, name: str = ""
) -> tuple[int, Any]:
    """Hand over the parcel of order o1."""
    parcel = {"reference": "o1", "name": "N", "line1": "L", "city": "C", "country": "GB"}
    body = {**parcel, "postcode": postcode}
    return carrier.post(f"{name}/shipments", body, seconds, Idempotency_Key=key)


def test_the_carrier_takes_a_parcel_once_for_each_key(carrier: Running) -> None:
    """Twice under one key: one parcel, the same tracking number; it is found by its reference."""
    (first, taken), (again, same) = ship(carrier, "a"), ship(carrier, "a")
    assert (first, again) == (201, 200)
    assert taken == same
    assert carrier.get("/shipments?reference=o1")[1] == [taken]
    assert [record["tracking"] for record in carrier.records()] == [taken["tracking"]]


def test_the_carrier_refuses_as_the_postcode_says(carrier: Running) -> None:
    """Once: refused under the first key, also when repeated, and taken under the next."""
    keys = ("a", "a", "b")
    assert [ship(carrier, key, "SIM-REFUSE-ONCE")[0] for key in keys] == [422, 422, 201]
    assert [ship(carrier, key, "SIM-REFUSE")[0] for key in ("c", "d")] == [422, 422]
    assert len(carrier.records()) == 1


def test_the_carrier_takes_a_parcel_and_does_not_say_so(carrier: Running) -> None:
    """The first answer never comes; the parcel is on the record, and the repeat is answered."""
    with pytest.raises(TimeoutError):
        ship(carrier, "a", "SIM-TIMEOUT", SOON)
    assert len(carrier.records()) == 1
    assert ship(carrier, "a", "SIM-TIMEOUT")[0] == 200


def test_the_carrier_says_what_is_missing(carrier: Running) -> None:
    """400 with the names of missing fields; rates are shown."""
    status, body = carrier.post("/shipments", {"reference": "o1"}, Idempotency_Key="a")
    assert (status, body["error"].count(",")) == (400, 4)
    assert carrier.get("/rates")[1][0]["amount"] > 0


def test_each_carrier_has_parcels_of_its_own(carrier: Running) -> None:
    """The same key at another carrier is another parcel; without a name it is `standard`."""
    taken = {name: ship(carrier, "a", name=name)[1] for name in ("", "/royal", "/swift")}
    assert len({parcel["tracking"] for parcel in taken.values()}) == 3
    assert ship(carrier, "a", name="/standard") == (200, taken[""])
    assert carrier.get("/royal/shipments?reference=o1")[1] == [taken["/royal"]]
    assert [record["carrier"] for record in carrier.records()] == ["standard", "royal", "swift"]
    assert ship(carrier, "a", name="/other")[0] == 404


def test_carriers_differ_in_price_and_days(carrier: Running) -> None:
    """One is cheap, one is fast, and one is neither."""
    rates = {name: carrier.get(f"/{name}/rates")[1][0] for name in ("royal", "standard", "swift")}
    assert [rate["amount"] for rate in rates.values()] == [299, 499, 899]
    assert [rate["days"] for rate in rates.values()] == [4, 3, 1]
    assert carrier.get("/rates")[1] == [rates["standard"]]


def test_a_carrier_is_switched_by_itself(carrier: Running) -> None:
    """Down is 503 and refusing 422, before any effect; slow is taken, and answered late."""
    carrier.switch(royal_down=True, swift_refuse=True)
    for name, status in (("royal", 503), ("swift", 422)):
        assert carrier.get(f"/{name}/rates")[0] == status
        assert ship(carrier, "a", name=f"/{name}")[0] == status
    assert carrier.records() == []
    carrier.switch(standard_slow_seconds=30.0)
    with pytest.raises(TimeoutError):
        ship(carrier, "a", seconds=SOON)
    assert len(carrier.records()) == 1


@pytest.mark.parametrize(
    ("postcode", "last"), [("E1 1AA", "delivered"), ("SIM-LOST", "lost"), ("SIM-NEVER", "taken")]
)
def test_a_parcel_moves_on(carrier: Running, postcode: str, last: str) -> None:
    """Picked up, then delivered or lost, as its postcode says; some never leave."""
    carrier.switch(picked_up_seconds=1e9, delivered_seconds=1e9)
    number = ship(carrier, "a", postcode, name="/swift")[1]["tracking"]
    path = f"/swift/tracking?numbers={number},TRK99999999"
    told = [carrier.get(path)[1]]
    for switch in ("picked_up_seconds", "delivered_seconds"):
        carrier.switch(**{switch: 0})
        told.append(carrier.get(path)[1])
    on_the_way = "taken" if last == "taken" else "shipped"
    assert told == [[{"tracking": number, "status": s}] for s in ("taken", on_the_way, last)]
    assert carrier.get(f"/royal/tracking?numbers={number}")[1] == []


def test_a_parcel_moves_on_by_itself(carrier: Running) -> None:
    """After a while; a restart forgets neither the parcel nor how old it is."""
    number = ship(carrier, "a")[1]["tracking"]
    arrived = [{"tracking": number, "status": "delivered"}]
    carrier.switch(picked_up_seconds=0.1, delivered_seconds=0.2)
    until(lambda: carrier.get(f"/tracking?numbers={number}")[1] == arrived)
    carrier.process.kill()
    carrier.process.wait(timeout=10)
    with Running("carrier", carrier.folder) as again:
        again.switch(picked_up_seconds=0.1, delivered_seconds=0.2)
        assert again.get(f"/tracking?numbers={number}")[1] == arrived
        assert ship(again, "a") == (200, {"reference": "o1", "tracking": number})


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[tuple[Running, int]]:
    port = free_port()
    with Running("mail", tmp_path, "--smtp-port", str(port)) as running:
        yield running, port


def mail(port: int, to: str) -> None:
    """Send one mail about order o1."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Hello", "shop@example.com", to
    message["Message-ID"], message["X-Order"] = "<1@example.com>", "o1"
    message.set_content("It is on its way.")
    with smtplib.SMTP("127.0.0.1", port, timeout=SOON) as smtp:
        smtp.send_message(message)


def test_the_inbox_keeps_a_mail(inbox: tuple[Running, int]) -> None:
    """What was sent over SMTP is shown over HTTP."""
    running, port = inbox
    mail(port, "a@example.com")
    (kept,) = running.records(to=["a@example.com"])
    assert (kept["message_id"], kept["order_id"]) == ("<1@example.com>", "o1")
    assert kept["text"].strip() == "It is on its way."


@pytest.mark.parametrize(("faults", "code"), [({"refuse": "a@"}, 550), ({"down": True}, 421)])
def test_the_inbox_refuses_when_told(
    inbox: tuple[Running, int], faults: dict[str, Any], code: int
) -> None:
    """550 for good or 421 for now, and nothing is kept."""
    running, port = inbox
    running.switch(**faults)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        mail(port, "a@example.com")
    assert refused.value.recipients["a@example.com"][0] == code
    assert running.records() == []


def test_the_inbox_keeps_a_mail_and_does_not_say_so(inbox: tuple[Running, int]) -> None:
    """With answers lost the sender gets none, and the mail is there."""
    running, port = inbox
    running.switch(lose_answers=True)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        mail(port, "a@example.com")
    assert len(running.records()) == 1


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[Running]:
    with Running("crm", tmp_path) as running:
        yield running


def signed(crm: Running, identity: str, secret: str = CRM_SECRET) -> tuple[int, Any]:
    """Post an event, signed with `secret`."""
    body = json.dumps({"type": "order.confirmed", "data": {"order_id": "o1"}})
    return crm.post("/hooks", body.encode(), 5.0, **signature(identity, body, secret))


def signature(identity: str, body: str, secret: str) -> dict[str, str]:
    """The headers of a signed post."""
    at = datetime.now(UTC)
    return {
        "webhook_id": identity,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": Webhook(secret).sign(identity, at, body),
    }


def test_the_crm_counts_each_id_once(crm: Running) -> None:
    """Twice under one id: both are answered, the second is not new."""
    assert [signed(crm, "m1") for _ in range(2)] == [
        (200, {"taken": True}),
        (200, {"taken": False}),
    ]
    assert [record["new"] for record in crm.records(id="m1")] == [True, False]


def test_the_push_gateway_delivers_each_id_once_and_knows_who_is_gone(tmp_path: Path) -> None:
    """Twice under one id: delivered once; a device that is gone is 410, and nothing is kept."""
    with Running("push", tmp_path) as gateway:
        to = {"channel": "push", "to": "device-1", "text": "Hello", "order_id": "o1"}
        assert [pushed(gateway, "m1", to) for _ in range(2)] == [200, 200]
        gateway.switch(gone="device")
        assert pushed(gateway, "m2", to) == 410
        assert pushed(gateway, "m3", to, "whsec_" + "A" * 32) == 401
        assert [(r["new"], r["data"]) for r in gateway.records()] == [(True, to), (False, to)]


def pushed(gateway: Running, identity: str, data: dict[str, str], secret: str = CRM_SECRET) -> int:
    """The answer to a push under this id."""
    body = json.dumps({"type": "push", "data": data})
    return gateway.post("/pushes", body.encode(), 5.0, **signature(identity, body, secret))[0]


def test_the_crm_refuses_what_is_not_signed_by_us(crm: Running) -> None:
    """401 to another secret or none at all, and nothing is taken."""
    assert signed(crm, "m1", "whsec_" + "A" * 32)[0] == 401
    assert crm.post("/hooks", {"type": "order.confirmed", "data": {}})[0] == 401
    assert crm.records() == []
