"""A walk of ORDER with pauses anywhere ends where the same walk without them ends.

The walk of the whole state space pauses the smaller sagas everywhere; ORDER has too many steps for
that. Services and people answer by what they are asked, so that both walks meet the same world.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.messages.base import Result, Succeeded
from contracts.messages.values import MessageId
from orchestrator.core.advance import advance
from orchestrator.core.decision import Send
from orchestrator.core.sample import example_of
from orchestrator.core.state import (
    Answer,
    Chosen,
    Input,
    Paused,
    Resumed,
    Start,
    State,
    Wake,
)
from tests.core.test_total import NOON, ORDER, new

SECOND = timedelta(seconds=1)
MOST = 400
Pauses = Callable[[], tuple[bool, int, bool]]


@dataclass
class World:
    """The services and people of one walk, who answer by `seed`."""

    seed: int
    state: State
    at: datetime = NOON
    sent: dict[MessageId, Send] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)

    def happens(self, happened: Input) -> None:
        """Let it happen, and keep what the saga sends and publishes."""
        decision = advance(ORDER, self.state, happened)
        self.state = decision.state
        assert not (self.state.paused and decision.commands)
        self.sent.update({send.id: send for send in decision.commands})
        events = [event.wire_name() for event in decision.events]
        self.published += [name for name in events if name != "ManualReviewRequired"]

    def chance(self, *about: object) -> int:
        """The same number for the same things."""
        text = repr((self.seed, *about)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest())

    def answers(self) -> None:
        """The first service that was sent something answers: half the time, well."""
        send = self.sent.pop(next(iter(self.sent)))
        results = sorted(type(send.command).results(), key=lambda result: result.wire_name())
        good = [result for result in results if issubclass(result, Succeeded)]
        among = good if self.chance(send.id, "well") % 2 and good else results
        kind: type[Result] = among[self.chance(send.id) % len(among)]
        result: Result = example_of(kind)  # type: ignore[arg-type]  # a class is hashable
        self.happens(Answer(at=self.at, command_id=send.id, result=result))

    def decides(self) -> None:
        """A person decides what is asked; after the pivot in the end to go on."""
        review = self.state.review
        assert review
        tried = self.state.steps[ORDER.place[review.step]].attempt
        choices = ("continue",) if tried > 2 and "continue" in review.choices else review.choices
        choice = choices[self.chance(review.step, review.trouble, tried) % len(choices)]
        chosen = {"review_id": review.id, "choice": choice, "by": "Pat", "reason": "so"}
        self.happens(Chosen(at=self.at, **chosen))

    def pauses(self, answered: int, by_itself: bool) -> None:
        """Be paused, hear some answers, and go on: by itself, when all have come, or resumed."""
        until = self.at + timedelta(hours=1)
        self.happens(Paused(at=self.at, until=until, by="Olga", reason="so"))
        for _ in range(len(self.sent) if by_itself else min(answered, len(self.sent))):
            self.answers()
        assert self.state.wake_at == until
        if by_itself:
            self.at = until
            self.happens(Wake(at=until))
        else:
            self.happens(Resumed(at=self.at, by="Olga", reason="so"))
        assert self.state.paused is None


def walked(seed: int, pausing: Pauses | None) -> World:
    """A walk to its end."""
    world = World(seed, new(seed % 2))
    world.happens(Start(at=NOON))
    for _ in range(MOST):
        if world.state.finished:
            return world
        pause, answered, by_itself = pausing() if pausing else (False, 0, False)
        if pause:
            world.pauses(answered, by_itself)
        elif world.sent:
            world.answers()
        elif world.state.review:
            world.decides()
        else:
            world.at = max(world.at, world.state.wake_at or world.at)
            world.happens(Wake(at=world.at))
    raise AssertionError(f"no end after {MOST} turns")


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_a_walk_with_pauses_anywhere_ends_where_it_ends_without(
    seed: int, data: st.DataObject
) -> None:
    plan = iter(
        data.draw(
            st.lists(
                st.tuples(st.booleans(), st.integers(0, 3), st.booleans()), min_size=8, max_size=40
            )
        )
    )
    straight = walked(seed, None)
    broken = walked(seed, lambda: next(plan, (False, 0, False)))
    assert broken.state.status == straight.state.status
    assert broken.state.data == straight.state.data
    stands = [(step.name, step.status, step.attempt) for step in straight.state.steps]
    assert [(step.name, step.status, step.attempt) for step in broken.state.steps] == stands
    assert sorted(broken.published) == sorted(straight.published)


def test_the_walks_end_in_both_ways() -> None:
    ends = [walked(seed, None).state.status for seed in range(60)]
    assert {"completed", "undone"} == set(ends)
