"""sagas, audit, events, verify: what an operator looks at."""

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

Status = Annotated[str, typer.Option(help="running, undoing, review, completed, undone.")]
Step = Annotated[str, typer.Option(help="Those that are at this step.")]
Failure = Annotated[str, typer.Option(help="Those that failed with this in its text.")]
Longer = Annotated[float, typer.Option(help="Those where nothing happened for so many seconds.")]
Retrying = Annotated[bool, typer.Option("--retrying", help="Those that try something again.")]


@app.command()
def sagas(
    data: Data = FOLDER,
    url: Url = "",
    status: Status = "",
    step: Step = "",
    saga: Annotated[str, typer.Option(help="order, parcel, cancel, return.")] = "",
    failure: Failure = "",
    waiting_longer_than: Longer = 0,
    paused: Annotated[bool, typer.Option("--paused", help="Those that are paused.")] = False,
    retrying: Retrying = False,
    as_json: AsJson = False,
) -> None:
    """Sagas, newest first; those that all of the filters let through."""
    chosen = {"status": status, "step": step, "saga": saga, "failure": failure}
    chosen |= {"waiting_longer_than": str(waiting_longer_than) if waiting_longer_than else ""}
    asked = {"paused": paused, "retrying": retrying}
    chosen |= {name: "true" for name, value in asked.items() if value}
    query = urlencode({name: value for name, value in chosen.items() if value})
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
