"""The AsyncAPI document says what travels: each golden event fits it, and nothing else does."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from contracts.messages.base import is_public
from contracts.messages.catalogue import messages
from deploy.asyncapi import document

GOLDEN = Path(__file__).parent.parent / "messages/golden"
EVENTS = sorted(kind for kind, message in messages().items() if is_public(message))
HEAD = {
    "specversion": "1.0",
    "id": "01890a5d-ac96-8b7c-8b7c-0123456789ab",
    "source": "/concerto/orchestrator",
    "time": "2026-01-01T00:00:00Z",
    "subject": "01890a5d-ac96-8b7c-8b7c-0123456789ab",
}


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """The document as a reader gets it."""
    read: dict[str, Any] = json.loads(json.dumps(document()))
    return read


def payload(whole: dict[str, Any], kind: str) -> Draft202012Validator:
    """What the messages of this channel must look like."""
    schema = whole["components"]["messages"][kind]["payload"]
    return Draft202012Validator({**schema, "components": whole["components"]})


def golden(kind: str) -> Any:
    """The data of this event as it has always travelled."""
    return json.loads((GOLDEN / f"{kind}.json").read_text())


def test_every_event_has_a_channel_and_every_reference_leads_somewhere(
    whole: dict[str, Any],
) -> None:
    assert sorted(whole["channels"]) == sorted(whole["operations"]) == EVENTS
    for ref in references(whole):
        at: Any = whole
        for part in ref.removeprefix("#/").split("/"):
            at = at[part]


@pytest.mark.parametrize("kind", EVENTS)
def test_a_golden_event_fits_and_a_misshapen_one_does_not(whole: dict[str, Any], kind: str) -> None:
    event = {**HEAD, "type": kind, "data": golden(kind)}
    assert list(payload(whole, kind).iter_errors([event])) == []
    assert not payload(whole, kind).is_valid([{**event, "type": "concerto.Other.v1"}])
    assert not payload(whole, kind).is_valid([{**event, "data": {}}])
    assert not payload(whole, kind).is_valid([{n: v for n, v in event.items() if n != "id"}])


def references(part: Any) -> list[str]:
    """Every `$ref` in it."""
    if isinstance(part, list):
        return [ref for each in part for ref in references(each)]
    if not isinstance(part, dict):
        return []
    inner = [ref for each in part.values() for ref in references(each)]
    return [*inner, part["$ref"]] if isinstance(part.get("$ref"), str) else inner
