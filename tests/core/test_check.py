"""A bad definition is refused when it is imported, with a sentence that says what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from contracts.messages.base import Command, Event, Failed, Result, Succeeded, Unknown
from contracts.messages.values import OrderId
from orchestrator.core.check import BadSaga, check, checked
from orchestrator.core.definition import (
    Parallel,
    Saga,
    Step,
    Undoing,
    learned,
    minutes,
    parallel,
    pivot,
    query,
    review,
    seconds,
    step,
)
from orchestrator.core.shape import fingerprint
from orchestrator.sagas import RELEASED, SAGAS


@dataclass(frozen=True, kw_only=True)
class Made(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class NotMade(Failed): ...


@dataclass(frozen=True, kw_only=True)
class MadeUnknown(Unknown): ...


@dataclass(frozen=True, kw_only=True)
class Unmade(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class Make(Command[Made | NotMade | MadeUnknown], to="maker"): ...


@dataclass(frozen=True, kw_only=True)
class Unmake(Command[Unmade], to="maker"): ...


@dataclass(frozen=True, kw_only=True)
class Look(Command[Made | NotMade | MadeUnknown], to="maker", effect=False): ...


@dataclass(frozen=True, kw_only=True)
class LookAside(Command[Unmade | NotMade], to="maker", effect=False): ...


@dataclass(frozen=True, kw_only=True)
class Ownerless(Command[Made]): ...


@dataclass(frozen=True, kw_only=True)
class Hopeless(Command[NotMade], to="maker"): ...


@dataclass(frozen=True, kw_only=True)
class Told(Event): ...


@dataclass(frozen=True, kw_only=True)
class Facts:
    order_id: OrderId
    made: str | None = learned(Made)

    def learn(self, fact: Result | Undoing) -> "Facts":
        return self

    def make(self) -> Make:
        return Make()

    def unmake(self) -> Unmake:
        return Unmake()

    def look(self) -> Look:
        return Look()

    def look_aside(self) -> LookAside:
        return LookAside()

    def ownerless(self) -> Ownerless:
        return Ownerless()

    def hopeless(self) -> Hopeless:
        return Hopeless()

    def unsaid(self):  # type: ignore[no-untyped-def]  # that it says no command is the point
        return Make()

    def is_made(self) -> bool:
        return self._shown() != ""

    def _shown(self) -> str:
        return self.made or ""

    def told(self) -> Told:
        return Told()


@dataclass(frozen=True, kw_only=True)
class Asked(Facts):
    asked_by: str = ""


@dataclass
class Loose:
    order_id: OrderId


MAKE = step("make", do=Facts.make, undo=Facts.unmake)
DECIDE = pivot("decide", do=Facts.make, publish=Facts.told)
ASK = query(Facts.look, every=seconds(1), attempts=2)


def saga(*steps: Step | Parallel, **changes: Any) -> Saga:
    good = Saga(
        name="toy", version=1, data=Facts, owner="operator", deadline=minutes(1), steps=steps
    )
    return replace(good, **changes)


def after(**changes: Any) -> Saga:
    """A saga with a changed step after its pivot."""
    return saga(MAKE, DECIDE, replace(step("finish", do=Facts.make), **changes))


def before(**changes: Any) -> Saga:
    """A saga with a changed step before its pivot."""
    return saga(replace(MAKE, **changes), DECIDE)


def asks(by: str = "risk", **more: Any) -> Any:
    return review("Go on?", by=by, within=minutes(1), **more)


SECOND = asks(then="continue", second_person=True)
BAD: dict[str, tuple[Callable[[], Saga], str]] = {
    "no steps": (lambda: saga(), "it has no steps"),
    "same name": (lambda: saga(MAKE, MAKE, DECIDE), "two steps are called 'make'"),
    "no owner": (lambda: saga(MAKE, DECIDE, owner=""), "it has no owner"),
    "no time": (lambda: saga(MAKE, DECIDE, deadline=minutes(0)), "must last longer"),
    "two pivots": (lambda: saga(DECIDE, replace(DECIDE, name="again")), "more than one pivot"),
    "pivot in parallel": (lambda: saga(parallel(MAKE, DECIDE)), "its pivot stands in a parallel"),
    "loose data": (lambda: saga(MAKE, data=Loose), "Loose is no frozen dataclass"),
    "deaf data": (lambda: saga(MAKE, data=Loose), "Loose cannot learn"),
    "unsaid command": (lambda: before(do=Facts.unsaid), "does not say (-> …) which command"),
    "nobody's command": (lambda: before(do=Facts.ownerless), "nobody owns Ownerless"),
    "no success": (lambda: before(do=Facts.hopeless), "Hopeless lists no result that succeeds"),
    "impossible result": (
        lambda: before(on={Told: asks()}),
        "make: its command cannot give Told",
    ),
    "query of what is certain": (lambda: before(on={NotMade: ASK}), "NotMade is certain"),
    "nobody asked": (lambda: before(on={NotMade: asks(by="")}), "asks nobody"),
    "a guess": (lambda: before(on={MadeUnknown: asks(then="continue")}), "would be a guess"),
    "the clock as a second person": (
        lambda: replace(before(on={Made: SECOND}), data=Asked),
        "make: the clock is no second person for Made",
    ),
    "nobody is the first": (lambda: before(on={Made: SECOND}), "does not say who asked for it"),
    "two queries": (
        lambda: saga(replace(MAKE, on={MadeUnknown: ASK, Unmade: replace(ASK)}), DECIDE),
        "two queries",
    ),
    "query with an effect": (
        lambda: before(on={MadeUnknown: replace(ASK, command=Facts.make)}),
        "Make has an effect, so it is no query",
    ),
    "query never asked": (
        lambda: before(on={MadeUnknown: replace(ASK, attempts=0)}),
        "its query is never asked",
    ),
    "query that cannot say": (
        lambda: before(on={MadeUnknown: replace(ASK, command=Facts.look_aside)}),
        "LookAside can never say that it succeeded",
    ),
    "no within": (lambda: before(within=seconds(0)), "within must be longer than nothing"),
    "too many attempts": (lambda: before(attempts=40), "attempts must be 1 to 12"),
    "no attempts": (lambda: before(attempts=0), "attempts must be 1 to 12"),
    "pivot skipped": (
        lambda: saga(MAKE, replace(DECIDE, when=Facts.is_made)),
        "a pivot that may be skipped decides nothing",
    ),
    "publishes early": (lambda: before(publish=Facts.told), "only the pivot publishes"),
    "effect without undo": (lambda: before(undo=None), "has an effect and stands before the pivot"),
    "undo after the pivot": (lambda: after(undo=Facts.unmake), "there is no way back"),
    "undo of the pivot": (
        lambda: saga(MAKE, replace(DECIDE, undo=Facts.unmake)),
        "there is no way back",
    ),
    "review undoes after the pivot": (
        lambda: after(on={NotMade: asks(then="undo")}),
        "would undo after the pivot",
    ),
    "untaught condition": (
        lambda: before(when=Facts.is_made),
        "make: its condition reads made, which no earlier step taught",
    ),
    "taught by a sibling": (
        lambda: saga(parallel(MAKE, replace(MAKE, name="other", when=Facts.is_made)), DECIDE),
        "other: its condition reads made",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_definition_is_refused_with_a_sentence(name: str) -> None:
    bad, sentence = BAD[name]
    refusals = check(bad())
    assert any(sentence in refusal for refusal in refusals), refusals


def test_a_good_definition_is_not_refused() -> None:
    finish = step("finish", do=Facts.make, when=Facts.is_made, on={MadeUnknown: ASK})
    good = saga(MAKE, DECIDE, finish)
    assert check(good) == ()
    assert checked(good, {}) is good


def test_a_refused_saga_says_every_rule_it_breaks() -> None:
    with pytest.raises(BadSaga, match="saga toy version 1 is refused:") as raised:
        checked(saga(MAKE, MAKE, owner=""), {})
    assert len(raised.value.refusals) == 2


def test_a_released_version_may_not_change_its_shape() -> None:
    good = saga(MAKE, DECIDE)
    released = {("toy", 1): fingerprint(good)}
    assert check(good, released) == ()
    assert check(before(within=seconds(7), attempts=3), released) == ()
    (refusal,) = check(saga(replace(MAKE, name="renamed"), DECIDE), released)
    assert "give it a new version" in refusal
    assert check(saga(replace(MAKE, name="renamed"), DECIDE, version=2), released) == ()


def test_every_saga_has_its_shape_written_down() -> None:
    assert {name: fingerprint(saga) for name, saga in SAGAS.items()} == RELEASED
