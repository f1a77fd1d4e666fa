"""A toy saga with everything ORDER does not use yet: parallel steps, questions, refusable undo."""

from dataclasses import dataclass, replace

from contracts.messages.base import Command, Event, Failed, Result, Succeeded, Unknown
from contracts.messages.values import OrderId
from orchestrator.core.definition import (
    Saga,
    Undoing,
    hours,
    learned,
    minutes,
    parallel,
    pivot,
    query,
    review,
    seconds,
    step,
)


@dataclass(frozen=True, kw_only=True)
class Passed(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class Suspected(Failed):
    reason: str = "odd address"


@dataclass(frozen=True, kw_only=True)
class Held(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class PartlyHeld(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class NotHeld(Failed): ...


@dataclass(frozen=True, kw_only=True)
class LetGo(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class NotLetGo(Failed): ...


@dataclass(frozen=True, kw_only=True)
class Granted(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class GrantUnknown(Unknown): ...


@dataclass(frozen=True, kw_only=True)
class Decided(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class NotDecided(Failed): ...


@dataclass(frozen=True, kw_only=True)
class Sent(Succeeded): ...


@dataclass(frozen=True, kw_only=True)
class SendUnknown(Unknown): ...


@dataclass(frozen=True, kw_only=True)
class Check(Command[Passed | Suspected], to="fraud", effect=False): ...


@dataclass(frozen=True, kw_only=True)
class Hold(Command[Held | PartlyHeld | NotHeld], to="stock"): ...


@dataclass(frozen=True, kw_only=True)
class LetItGo(Command[LetGo | NotLetGo], to="stock"): ...


@dataclass(frozen=True, kw_only=True)
class Grant(Command[Granted | GrantUnknown], to="points"): ...


@dataclass(frozen=True, kw_only=True)
class Revoke(Command[LetGo], to="points"): ...


@dataclass(frozen=True, kw_only=True)
class Look(Command[Granted | LetGo | GrantUnknown], to="points", effect=False): ...


@dataclass(frozen=True, kw_only=True)
class Decide(Command[Decided | NotDecided], to="orders"): ...


@dataclass(frozen=True, kw_only=True)
class Send(Command[Sent | SendUnknown], to="post"): ...


@dataclass(frozen=True, kw_only=True)
class AllDecided(Event): ...


@dataclass(frozen=True, kw_only=True)
class Basket:
    order_id: OrderId
    reason: str | None = learned(Undoing)

    def learn(self, fact: Result | Undoing) -> "Basket":
        match fact:
            case Undoing(reason=reason):
                return replace(self, reason=reason)
            case _:
                return self

    def check(self) -> Check:
        return Check()

    def hold(self) -> Hold:
        return Hold()

    def let_go(self) -> LetItGo:
        return LetItGo()

    def grant(self) -> Grant:
        return Grant()

    def revoke(self) -> Revoke:
        return Revoke()

    def look(self) -> Look:
        return Look()

    def decide(self) -> Decide:
        return Decide()

    def send(self) -> Send:
        return Send()

    def decided(self) -> AllDecided:
        return AllDecided()


SHOP = Saga(
    name="shop",
    version=1,
    data=Basket,
    owner="operator",
    deadline=minutes(30),
    steps=(
        step(
            "check",
            do=Basket.check,
            attempts=1,
            on={Suspected: review("Looks odd. Accept it?", by="risk", within=hours(4))},
        ),
        parallel(
            step(
                "hold",
                do=Basket.hold,
                undo=Basket.let_go,
                attempts=1,
                on={PartlyHeld: review("Ship the rest?", by="support", within=hours(8))},
            ),
            step(
                "grant",
                do=Basket.grant,
                undo=Basket.revoke,
                attempts=1,
                on={GrantUnknown: query(Basket.look, every=seconds(5), attempts=1)},
            ),
        ),
        pivot("decide", do=Basket.decide, publish=Basket.decided, attempts=1),
        step("send", do=Basket.send, attempts=1),
    ),
)
