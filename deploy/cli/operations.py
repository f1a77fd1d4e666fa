"""sagas, audit, events, dead, consumers, verify: what an operator looks at and does."""

import os
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from deploy.cli.common import (
    FOLDER,
    AsJson,
    Data,
    Url,
    app,
    console,
    found,
    out,
    platform,
    show,
    table,
)
from deploy.client import Refused

dead_app = typer.Typer(help="What could not be handled.", invoke_without_command=True)
app.add_typer(dead_app, name="dead")
Status = Annotated[str, typer.Option(help="running, undoing, review, completed, undone.")]


@app.command()
def sagas(
    data: Data = FOLDER,
    url: Url = "",
    status: Status = "",
    step: Annotated[str, typer.Option(help="At this step.")] = "",
    saga: Annotated[str, typer.Option(help="order, parcel, cancel, return.")] = "",
    paused: Annotated[bool, typer.Option("--paused", help="Those that are paused.")] = False,
    retrying: Annotated[bool, typer.Option("--retrying", help="Those tried again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sagas, newest first."""
    wanted = {"status": status, "step": step, "saga": saga}
    asked = {"paused": paused, "retrying": retrying}
    said = {**wanted, **{name: "true" for name, value in asked.items() if value}}
    query = urlencode({name: value for name, value in said.items() if value})
    listed = platform(data, url).get(f"/sagas?{query}")["sagas"]
    if as_json:
        return show(listed)
    rows = [(s["order_id"], s["status"], s["step"], s["changed_at"], s["failure"]) for s in listed]
    table("", ("order", "status", "step", "since", "why"), rows)


@app.command()
def audit(data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """What people did, or were refused, newest first."""
    listed = platform(data, url).get("/audit")["audit"]
    if as_json:
        return show(listed)
    names = (
        "number",
        "at",
        "by",
        "role",
        "action",
        "refused",
        "detail",
        "reason",
        "about",
        "subject",
    )
    heads = (*names[:-1], "order")
    table("", heads, [[row[name] for name in names] for row in listed])


@app.command()
def events(order: str, data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """The events of an order, and what became of each at each subscriber."""
    caller = platform(data, url)
    listed = caller.get(f"/events?order={order}")["events"]
    whole = [{**e, "deliveries": caller.get(f"/events/{e['id']}/deliveries")} for e in listed]
    if as_json:
        return show(whole)
    rows = [
        (event["type"], d["subscriber"], d["state"], d["attempts"], d["last_error"])
        for event in reversed(whole)
        for d in event["deliveries"]
    ]
    table("", ("event", "subscriber", "state", "attempts", "error"), rows)


@app.command()
def consumers(data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """Every subscriber: how many deliveries in which state, and how what fails is tried again."""
    listed = platform(data, url).get("/consumers")
    if as_json:
        return show(listed)
    states = ("handled", "pending", "retrying", "dead", "ignored")
    rows = [(c["subscriber"], *(c[state] for state in states), _tried(c)) for c in listed]
    table("", ("subscriber", *states, "what fails"), rows)


def _tried(consumer: dict[str, Any]) -> str:
    """How often, at which intervals, and what then."""
    declared = consumer["retries"]
    if not declared:
        return "its own affair"
    first, longest = declared["first_retry_seconds"], declared["longest_retry_seconds"]
    return f"{declared['attempts']} tries, {first:g} to {longest:g} s apart, {declared['then']}"


@dead_app.callback()
def dead(
    context: typer.Context, data: Data = FOLDER, url: Url = "", as_json: AsJson = False
) -> None:
    """What could not be handled, with the reason, by service."""
    if context.invoked_subcommand:
        return
    listed = platform(data, url).get("/dead-letters")["dead_letters"]
    if as_json:
        return show(listed)
    rows = [(d["id"], d["service"], d["type"], d["attempts"], d["reason"]) for d in listed]
    table("", ("id", "service", "type", "attempts", "reason"), rows)


@dead_app.command("replay")
def replay(letter: str, data: Data = FOLDER, url: Url = "") -> None:
    """Hand a dead letter to its service once more."""
    answer = platform(data, url).call("POST", f"/dead-letters/{letter}/replay")
    console.print(f"handed to {answer['service']} once more")


@app.command()
def verify(data: Data = FOLDER, as_json: AsJson = False) -> None:
    """Recompute every invariant from the stores and the simulators; exit code 1 on a breach."""
    from deploy.local import lifecycle
    from deploy.verify import verify as run

    stack = found(data)
    os.environ.update(stack.everything())
    try:
        checked = run(lifecycle.config(stack), stack.simulators)
    except OSError as error:
        raise Refused(f"the stack cannot be asked ({error}): is it up?") from None
    _print(checked, as_json)
    raise typer.Exit(1 if checked.breaches else 0)


def _print(checked: Any, as_json: bool) -> None:
    if as_json:
        return show(checked.as_json())
    for breach in checked.breaches:
        out.print(f"{breach.rule}: {breach.text}", markup=False)
    total = sum(checked.counts.values())
    rules = len(checked.counts)
    console.print(f"{total} checks of {rules} rules: {len(checked.breaches)} breaches")
