"""Every message has one JSON form, which stays what it was."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from contracts.messages.base import Command, Message
from contracts.messages.catalogue import (
    Misshapen,
    UnknownMessage,
    message_of,
    messages,
    parsed,
    schemas,
    type_of,
)
from orchestrator.core.sample import example_of

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("CONCERTO_WRITE_GOLDEN")


@pytest.mark.parametrize("kind", sorted(messages()))
def test_a_message_is_written_as_its_golden_json_says(kind: str) -> None:
    """Who changes a message's shape sees it here, and adds a version instead."""
    file = GOLDEN / f"{kind}.json"
    shape: Any = messages()[kind]
    message = example_of(shape)
    if WRITE:
        file.write_text(json.dumps(data_of(message), indent=2) + "\n")
    assert data_of(message) == json.loads(file.read_text())
    assert message_of(kind, json.loads(file.read_text())) == message


def data_of(message: Message) -> Any:
    """The message in JSON types."""
    return json.loads(encode(message))


def test_no_golden_json_is_left_of_a_message_that_is_gone() -> None:
    """Golden files and messages are the same set."""
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(messages())


def test_every_command_names_its_service_and_its_results() -> None:
    """A command without an owner or without results could not be orchestrated."""
    commands = [m for m in messages().values() if issubclass(m, Command)]
    assert commands
    assert all(command.to and command.results() for command in commands)


def test_fields_that_nobody_knows_are_ignored() -> None:
    """A newer sender may add fields."""
    kind = type_of(messages()["concerto.ReleaseInventory.v1"])
    shape: Any = messages()[kind]
    message = example_of(shape)
    assert message_of(kind, {**data_of(message), "new": 1}) == message


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_any_other_data_is_refused_with_a_reason(data: object) -> None:
    """Reading is total: a message, or `Misshapen`."""
    with pytest.raises(Misshapen, match="ReserveInventory"):
        message_of("concerto.ReserveInventory.v1", data)


def test_an_unknown_type_or_version_is_refused_by_name() -> None:
    """The reason names what was not found."""
    with pytest.raises(UnknownMessage, match=r"ReserveInventory\.v99"):
        message_of("concerto.ReserveInventory.v99", {})


def test_what_is_not_json_is_refused() -> None:
    """Garbage is named as such."""
    with pytest.raises(Misshapen, match="not JSON"):
        parsed(b"\xff{")


def test_every_message_has_a_json_schema() -> None:
    """A consumer in any language can check what it gets."""
    assert set(schemas()) == set(messages())
    assert all(schema["type"] == "object" for schema in schemas().values())
