"""The message catalogue as text: who says what to whom, generated from the code."""

from collections.abc import Iterator

from contracts.messages.base import Command, Event, Message, Result, is_public
from contracts.messages.catalogue import messages, type_of
from deploy.services import services


def catalogue() -> str:
    """A Markdown table of commands and one of events, with their handlers and subscribers."""
    return "\n".join((*_commands(), "", *_events())) + "\n"


def _commands() -> Iterator[str]:
    yield "| command | to | results | what it asks |"
    yield "|---|---|---|---|"
    for message in _sorted(Command):
        assert issubclass(message, Command)
        results = ", ".join(_marked(result) for result in message.results())
        yield f"| {message.__name__} | {message.to} | {results} | {_sentence(message)} |"


def _events() -> Iterator[str]:
    yield "| event or public result | subscribers | what it says |"
    yield "|---|---|---|"
    for message in _sorted(Event, Result):
        if is_public(message):
            yield f"| {message.__name__} | {_subscribers(message)} | {_sentence(message)} |"


def _sorted(*kinds: type[Message]) -> list[type[Message]]:
    return [message for _, message in sorted(messages().items()) if issubclass(message, kinds)]


def _marked(result: type[Result]) -> str:
    return f"**{result.__name__}**" if result.public else result.__name__


def _subscribers(message: type[Message]) -> str:
    names = [s.name for s in services() if message in s.load().handled]
    return ", ".join([*names, "trail"])


def _sentence(message: type[Message]) -> str:
    return (message.__doc__ or type_of(message)).strip().splitlines()[0]
