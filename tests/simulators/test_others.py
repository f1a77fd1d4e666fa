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
from tests.simulators.running import CRM_SECRET, Running

SOON = 0.5


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Running]:
    with Running("carrier", tmp_path) as running:
        yield running


def ship(
    carrier: Running, key: str, postcode: str = "E1 1AA", seconds: float = 5.0
) -> tuple[int, Any]:
    """Hand over the parcel of order o1."""
    parcel = {"reference": "o1", "name": "N", "line1": "L", "city": "C", "country": "GB"}
    body = {**parcel, "postcode": postcode}
    return carrier.post("/shipments", body, seconds, Idempotency_Key=key)


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
    body, at = (
        json.dumps({"type": "order.confirmed", "data": {"order_id": "o1"}}),
        datetime.now(UTC),
    )
    return crm.post(
        "/hooks",
        body.encode(),
        webhook_id=identity,
        webhook_timestamp=str(int(at.timestamp())),
        webhook_signature=Webhook(secret).sign(identity, at, body),
    )


def test_the_crm_counts_each_id_once(crm: Running) -> None:
    """Twice under one id: both are answered, the second is not new."""
    assert [signed(crm, "m1") for _ in range(2)] == [
        (200, {"taken": True}),
        (200, {"taken": False}),
    ]
    assert [record["new"] for record in crm.records(id="m1")] == [True, False]


def test_the_crm_refuses_what_is_not_signed_by_us(crm: Running) -> None:
    """401 to another secret or none at all, and nothing is taken."""
    assert signed(crm, "m1", "whsec_" + "A" * 32)[0] == 401
    assert crm.post("/hooks", {"type": "order.confirmed", "data": {}})[0] == 401
    assert crm.records() == []
