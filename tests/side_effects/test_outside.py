"""Mail and CRM: an outage is waited out, a refusal is a dead letter, and a replay mends it."""

import pytest

from contracts.delivery.replay import replay
from contracts.messages.values import ContactId
from contracts.runtime.contacts import Contact, Contacts
from contracts.runtime.settings import Settings
from contracts.runtime.webhook import allowed
from side_effects.email.consumer import email
from tests.participants.bench import bench, migrated
from tests.side_effects.heard import confirmed
from tests.side_effects.mailbox import mailbox
from tests.simulators.running import until


@pytest.fixture(autouse=True)
def ann(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users would answer so; what is shown here is the mail, not the asking."""

    async def get(_: Contacts, contact_id: ContactId) -> Contact:
        return Contact(contact_id=contact_id, name="Ann", email="ann@shop.example")

    monkeypatch.setattr(Contacts, "get", get)


@pytest.mark.parametrize(
    ("answer", "state"), [("421 later", "pending"), ("550 nobody here", "refused")]
)
def test_an_outage_is_waited_out_and_a_refusal_mended_by_replay(
    postgres: str, answer: str, state: str
) -> None:
    """A 421 is tried again by itself, and the trail knows why it takes so long; a 550 becomes a
    dead letter, which a replay delivers."""
    said = confirmed(("A", 1, 100))
    with mailbox() as (server, url), bench(email, migrated(postgres), smtp_url=url) as desk:
        server.answer = answer
        desk.host.receive([said])
        query = "SELECT state, attempts FROM intents WHERE envelope ->> 'id' = :id"
        tried = until(lambda: [r for r in desk.rows(query, id=said.id) if r != ("pending", 0)])
        assert tried[0][0] == state
        if state == "pending":
            told, attempts, reason = desk.receipts(said)[0]
            assert (told, attempts) == ("retrying", 1)
            assert "421" in reason
        server.answer = "250 OK"
        if state == "refused":
            assert desk.host.run(lambda session: replay(session, said.id))
        until(lambda: desk.rows(query, id=said.id)[0][0] == "done")
        assert [mail.rcpt_tos for mail in server.taken] == [["ann@shop.example"]]
        kept = desk.rows("SELECT kind, state FROM mails WHERE subject = :id", id=said.subject)
        assert kept == [("confirmation", "sent")]


def test_webhooks_go_to_https_or_to_hosts_that_were_named() -> None:
    """Anything else is refused before it is sent."""
    config = Settings(webhook_allow="127.0.0.1:9, crm.test")
    assert allowed("https://crm.example/hooks", config)
    assert allowed("http://127.0.0.1:9/hooks", config)
    assert allowed("http://crm.test:81/hooks", config)
    assert not allowed("http://127.0.0.1:10/hooks", config)
