"""A saga in hiding is named: reactions that follow from each other, come round, or are undone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from contracts.delivery.outbox import Undeclared, put
from contracts.delivery.service import Service
from contracts.delivery.turn import Turn
from contracts.messages.base import Message
from contracts.messages.orders import OrderCancelled, OrderConfirmed
from contracts.messages.returns import RefundRequested
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.users import UserErased, UserRegistered
from contracts.runtime.session import BatchSession
from deploy.cli import definitions
from deploy.cli.common import app
from deploy.overview.expected import expected
from deploy.overview.order import Order
from deploy.overview.reactions import declared, hidden
from deploy.services import services
from orchestrator.core.sample import example_of
from tests.side_effects.heard import confirmed

GROUPS = (definitions,)


def service(name: str, *reactions: tuple[type, type | None], undoes: type | None = None) -> Service:
    """A service that reacts to each first with each second; the last undoes what it did on an
    event."""
    made = Service(name)
    for number, (event, then) in enumerate(reactions, 1):
        last = number == len(reactions)

        def react(message: Message, session: BatchSession) -> None:
            """Nothing is done here."""

        made.on(event, then=then, within=timedelta(seconds=5), undoes=undoes if last else None)(
            react
        )
    return made


def test_ours_has_none() -> None:
    """What is undone stands in a saga, and reactions are ends."""
    assert list(hidden(declared())) == []
    assert len(declared()) > 30


def test_a_reaction_to_a_reaction_is_let_be() -> None:
    """Two of them, and nothing is undone."""
    mail = service("mail", (OrderConfirmed, UserRegistered))
    gifts = service("gifts", (UserRegistered, None))
    assert list(hidden(declared([mail, gifts]))) == []


def test_a_reaction_that_triggers_one_with_an_undo_is_named() -> None:
    """What has to be undone is a step of a saga."""
    mail = service("mail", (OrderConfirmed, UserRegistered))
    gifts = service("gifts", (UserRegistered, None), (OrderCancelled, None), undoes=UserRegistered)
    assert list(hidden(declared([mail, gifts]))) == [
        "a reaction triggers one that is undone on OrderCancelled: "
        "mail on OrderConfirmed → gifts on UserRegistered"
    ]


def test_a_chain_longer_than_two_is_named() -> None:
    """Once, by its beginning."""
    chain = [
        service("mail", (OrderConfirmed, UserRegistered)),
        service("gifts", (UserRegistered, RefundRequested)),
        service("books", (RefundRequested, ManualReviewRequired)),
    ]
    assert list(hidden(declared(chain))) == [
        "more than 2 reactions follow from each other: "
        "mail on OrderConfirmed → gifts on UserRegistered → books on RefundRequested"
    ]


def test_a_circle_is_named_once() -> None:
    """However long it is, and also when somebody reacts to itself."""
    mail = service("mail", (UserErased, UserRegistered))
    gifts = service("gifts", (UserRegistered, UserErased))
    (told,) = hidden(declared([mail, gifts]))
    assert told.startswith("reactions in a circle: mail on UserErased → gifts on UserRegistered →")
    alone = service("alone", (UserErased, UserErased))
    (told,) = hidden(declared([alone]))
    assert told == "reactions in a circle: alone on UserErased → alone on UserErased"


def test_what_a_reaction_owes_is_expected() -> None:
    """Handled, and the event that must follow is not in the log: late when its time is over."""
    mail = service("mail", (OrderConfirmed, UserRegistered))
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    told = {"id": "1", "type": OrderConfirmed.wire_type, "cause": None, "saga": None}
    said = SimpleNamespace(**told, source="orchestrator", at=noon, logged_at=noon)
    row = SimpleNamespace(event_id="1", subscriber="mail", state="handled", changed_at=noon)
    order = Order(
        id="order",
        at=noon + timedelta(seconds=4),
        sagas=[],
        journals={},
        reviews=[],
        audit=[],
        events=[said],
        deliveries={"1": [row]},
        receipts={},
    )
    (owed,) = expected(order, [mail])
    assert (owed["type"], owed["source"], owed["within_seconds"]) == ("UserRegistered", "mail", 5)
    assert owed["because"] == "mail handled OrderConfirmed"
    assert (owed["seen"], owed["late"]) == (False, False)
    (owed,) = expected(replace(order, at=noon + timedelta(seconds=6)), [mail])
    assert owed["late"]
    caused = {"id": "2", "type": UserRegistered.wire_type, "cause": "1"}
    whole = replace(
        order,
        events=[said, SimpleNamespace(**{**vars(said), **caused})],
        deliveries={"1": [row], "2": []},
    )
    (owed,) = expected(whole, [mail])
    assert (owed["seen"], owed["event_id"]) == (True, "2")


def test_a_reaction_publishes_only_what_it_declares() -> None:
    """What is not declared is refused where it is put."""
    mail = service("mail", (OrderConfirmed, UserRegistered))
    session = BatchSession()
    turn = Turn(mail, session, timedelta(seconds=1))
    session.info["envelope"] = confirmed(("A", 1, 100))
    put(session, example_of(UserRegistered), subject="x")
    assert [type(envelope.message) for envelope in turn.events] == [UserRegistered]
    with pytest.raises(Undeclared, match="mail reacts to OrderConfirmed with UserErased"):
        put(session, example_of(UserErased), subject="x")


def test_check_ends_with_one_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """`concerto check` names it; the reactions are those of a real service that is given more."""
    crm = next(known.load() for known in services() if known.name == "crm")
    more = service("crm", (UserErased, UserErased)).handled
    monkeypatch.setattr(crm, "handled", {**crm.handled, **more})
    done = CliRunner().invoke(app, ["check"])
    assert done.exit_code == 1
    assert "choreography: reactions in a circle: crm on UserErased" in done.output
