"""The routes that act on sagas: one at a time, or many, as it is or as a dry run."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlalchemy.exc import OperationalError

from contracts.delivery.due import Host
from contracts.messages.base import Command
from contracts.messages.values import Money
from contracts.runtime.access import Caller, allow
from contracts.runtime.problems import AGAIN, Problem, problem
from orchestrator.core.definition import Step
from orchestrator.core.outlook import Action, undos
from orchestrator.core.state import State
from orchestrator.http.acting import Act, Outcome, act
from orchestrator.http.reviews import STAFF, Body, Reason
from orchestrator.shell import runner

Staff = Annotated[Caller, Depends(allow(*STAFF))]
Operator = Annotated[Caller, Depends(allow("operator"))]
Seen = Annotated[int, Field(ge=0, le=2**31 - 1)]
ITEMS_MOST = 500
HOUR, MONTH = 3600, 30 * 24 * 3600
# Who moves money, and who moves goods.
PAYING, KEEPING = ("payments",), ("inventory", "shipping")


class Wanted(Body):
    """What is wanted, and why; how long a pause lasts."""

    action: Action
    reason: Reason
    for_seconds: float = Field(HOUR, gt=0, le=MONTH)


class ActionBody(Wanted):
    """What is wanted of a saga, about which step, by somebody who has seen this version of it."""

    step: str = Field("", max_length=100, pattern=r"^[^\x00-\x1f]*$")
    seen_version: Seen


class Item(Body):
    """A saga (or its order) and the version that was seen."""

    id: str = Field(max_length=100)
    seen_version: Seen


class BulkBody(Wanted):
    """What is wanted of many sagas."""

    items: list[Item] = Field(min_length=1, max_length=ITEMS_MOST)
    dry_run: bool = False


class Lines(StreamingResponse):
    """One JSON object on each line, as it is done."""

    media_type = "application/jsonl"


def routes(host: Host) -> APIRouter:
    """The routes that act on sagas, on the orchestrator's database."""
    router = APIRouter(tags=["sagas"])

    @router.post("/sagas/{saga_id}/actions")
    def one(saga_id: str, body: ActionBody, caller: Staff, dry_run: bool = False) -> dict[str, Any]:
        """Act on a saga, or see what that would do; done once however often it is asked for."""
        lasts = timedelta(seconds=body.for_seconds)
        wish = (body.action, body.step, body.reason, body.seen_version, lasts, dry_run)
        return _answer(host, Act(caller, saga_id, *wish))

    @router.post("/sagas:actions", response_class=Lines)
    def many(body: BulkBody, caller: Operator) -> Lines:
        """Act on many sagas, each by itself; one JSON line for each, in the same order."""
        lasts = timedelta(seconds=body.for_seconds)

        def act_on(item: Item) -> dict[str, Any]:
            wish = (body.action, "", body.reason, item.seen_version, lasts, body.dry_run)
            return _answer(host, Act(caller, item.id, *wish))

        return Lines(each_by_itself((item.id, partial(act_on, item)) for item in body.items))

    return router


def each_by_itself(deeds: Iterable[tuple[str, Callable[[], dict[str, Any]]]]) -> Iterator[str]:
    """A line of JSON for each, by the id it is about: what came of it, or the problem why not."""
    for about, do in deeds:
        try:
            done = {"ok": True, **do()}
        except Problem as refused:
            done = {"ok": False, "problem": refused.body}
        except OperationalError:
            away = problem(503, "not-now", "The database cannot answer", AGAIN)
            done = {"ok": False, "problem": away}
        yield f"{json.dumps({'id': about, **done}, default=str)}\n"


def _answer(host: Host, wish: Act) -> dict[str, Any]:
    """What was done, or would be: commands, the undos that follow them, money and goods."""
    outcome = act(host, wish)
    saga, decision = outcome
    sent = [(send.step, send.kind, send.command) for send in decision.commands]
    then = [(step.name, "undo", command) for step, command in _then(outcome)]
    moved = [*sent, *then]
    return {
        "applied": not wish.dry_run,
        "action": wish.action,
        "saga_id": saga.state.id,
        "order_id": saga.subject,
        "version": saga.state.version,
        "status": decision.state.status,
        "notes": list(decision.notes),
        "commands": [
            {"id": send.id, **_command(send.step, send.kind, send.command), "attempt": send.attempt}
            for send in decision.commands
        ],
        "then": [_command(*each) for each in then],
        "money": [line for each in moved for line in _money(decision.state, *each)],
        "stock": [line for each in moved for line in _stock(decision.state, *each)],
        "events": [event.wire_name() for event in decision.events],
    }


def _then(outcome: Outcome) -> Iterator[tuple[Step, Command[Any]]]:
    state = outcome.decision.state
    return undos(runner.definition(state.saga, state.saga_version), state)


def _command(step: str, kind: str, command: Command[Any]) -> dict[str, Any]:
    return {"type": command.wire_name(), "to": command.to, "step": step, "kind": kind}


def _money(state: State, step: str, kind: str, command: Command[Any]) -> Iterator[dict[str, Any]]:
    """What a command takes, holds or gives back; an undo that names no amount, what was done."""
    if command.to not in PAYING or not command.effect:
        return
    for about in (command, _undone(state, step, kind)):
        amounts = [each for each in _values(about) if isinstance(each, Money)]
        if amounts:
            for amount in amounts:
                yield {"step": step, "type": command.wire_name(), "amount": asdict(amount)}
            return


def _stock(state: State, step: str, kind: str, command: Command[Any]) -> Iterator[dict[str, Any]]:
    """Which goods a command holds, lets go of or sends; an undo that names none, what is held."""
    if command.to not in KEEPING or not command.effect:
        return
    held = getattr(state.data, "held", None) if kind == "undo" else None
    before = getattr(_undone(state, step, kind), "lines", ())
    lines = getattr(command, "lines", None) or held or before
    if lines:
        named = [{"sku": line.sku, "quantity": line.quantity} for line in lines]
        yield {"step": step, "type": command.wire_name(), "lines": named}


def _undone(state: State, name: str, kind: str) -> Command[Any] | None:
    """The command that an undo is to undo."""
    definition = runner.definition(state.saga, state.saga_version)
    return definition.flat[definition.place[name]].do(state.data) if kind == "undo" else None


def _values(command: Command[Any] | None) -> list[Any]:
    return [getattr(command, each.name) for each in fields(command)] if command else []
