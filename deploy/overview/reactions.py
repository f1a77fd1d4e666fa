"""Who reacts to which event, what that owes the world, and where reactions are a saga in hiding.

Choreography is for what merely reacts. A reaction that makes another happen is a step; when that
one has to be undone, when there are more than two, or when they come round again, they are a
workflow that nobody has written down: it belongs into a saga.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from contracts.delivery.service import Service
from contracts.messages.base import Message, is_public
from deploy.services import services

LONGEST = 2  # reactions that follow from each other


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """What `service` does on `event`: it publishes `then` within a time, if it owes anything;
    `undone_by` are the events on which it takes that back."""

    service: str
    event: str
    then: str = ""
    within: timedelta | None = None
    undone_by: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As it is named to a person."""
        return f"{self.service} on {self.event}"

    def as_json(self) -> dict[str, Any]:
        """As it is shown."""
        within = self.within and self.within.total_seconds()
        told = {"service": self.service, "event": self.event, "then": self.then or None}
        return {**told, "within_seconds": within, "undone_by": list(self.undone_by)}


def declared(of: Iterable[Service] | None = None) -> list[Reaction]:
    """The reactions that these services (all there are) declare, by service and event."""
    found = [s.load() for s in services()] if of is None else of
    return [reaction for service in found for reaction in _declared(service)]


def hidden(reactions: Iterable[Reaction]) -> Iterator[str]:
    """A sentence for every saga in hiding."""
    known = list(reactions)
    circles: set[frozenset[Reaction]] = set()
    for chain in (chain for first in known for chain in _chains(known, (first,))):
        way, last = " → ".join(map(str, chain)), chain[-1]
        if last in chain[:-1]:
            if last == chain[0] and frozenset(chain) not in circles:
                circles.add(frozenset(chain))
                yield f"reactions in a circle: {way}"
        elif len(chain) == LONGEST + 1:
            yield f"more than {LONGEST} reactions follow from each other: {way}"
        elif len(chain) == 2 and last.undone_by:
            by = ", ".join(last.undone_by)
            yield f"a reaction triggers one that is undone on {by}: {way}"


def _declared(service: Service) -> Iterator[Reaction]:
    handled = {m: h for m, h in service.handled.items() if is_public(m)}
    undone: dict[type[Message], list[str]] = {}
    for message, handling in handled.items():
        if handling.undoes:
            undone.setdefault(handling.undoes, []).append(message.wire_name())
    for message, handling in handled.items():
        yield Reaction(
            service=service.name,
            event=message.wire_name(),
            then=handling.then.wire_name() if handling.then else "",
            within=handling.within,
            undone_by=tuple(sorted(undone.get(message, ()))),
        )


def _chains(known: list[Reaction], so_far: tuple[Reaction, ...]) -> Iterator[tuple[Reaction, ...]]:
    """Every way to go on from these, until it comes round or there is none."""
    for reaction in known:
        if so_far[-1].then == reaction.event:
            chain = (*so_far, reaction)
            yield chain
            if reaction not in so_far:
                yield from _chains(known, chain)
