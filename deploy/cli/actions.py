"""retry, continue, undo, cancel, pause, resume: what an operator does about one saga."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, out, platform, show
from deploy.cli.reviews import ME, Me, Why

Order = Annotated[str, typer.Argument(help="The order, or one of its sagas.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and do nothing.")]
Step = Annotated[str, typer.Option("--step", help="Which step; else the one it is at.")]
For = Annotated[float, typer.Option("--for", min=1, help="How long, in seconds.")]
HOUR = 3600.0


@app.command("retry")
def retry(
    order: Order,
    reason: Why,
    step: Step = "",
    dry_run: Dry = False,
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
    as_json: AsJson = False,
) -> None:
    """Try now what would be tried when its time is over, or what a person is asked about."""
    _act(
        order, {"action": "retry", "reason": reason, "step": step}, dry_run, data, url, me, as_json
    )


@app.command("pause")
def pause(
    order: Order,
    reason: Why,
    for_: For = HOUR,
    dry_run: Dry = False,
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
    as_json: AsJson = False,
) -> None:
    """Let it wait: it learns what comes, and sends nothing before the time is over."""
    body = {"action": "pause", "reason": reason, "for_seconds": for_}
    _act(order, body, dry_run, data, url, me, as_json)


PLAIN = {
    "continue": "Take what a person is asked about as done, and go on.",
    "undo": "Undo everything that was done, what a person is asked about included.",
    "cancel": "Cancel: undo everything that was done, if that is still possible.",
    "resume": "Let what is paused go on.",
}


def _plain(action: str) -> Callable[..., None]:
    """The command of an action that takes nothing but a reason."""

    def act(
        order: Order,
        reason: Why,
        dry_run: Dry = False,
        data: Data = FOLDER,
        url: Url = "",
        me: Me = ME,
        as_json: AsJson = False,
    ) -> None:
        _act(order, {"action": action, "reason": reason}, dry_run, data, url, me, as_json)

    return act


for name, says in PLAIN.items():
    app.command(name, help=says)(_plain(name))


def _act(
    order: str,
    body: dict[str, Any],
    dry_run: bool,
    data: Path,
    url: str,
    me: str,
    as_json: bool,
) -> None:
    caller = platform(data, url, subject=me)
    saga = caller.get(f"/sagas/{order}")
    path = f"/sagas/{saga['id']}/actions?dry_run={str(dry_run).lower()}"
    answer = caller.call("POST", path, {**body, "seen_version": saga["version"]})
    if as_json:
        return show(answer)
    for line in _told(answer):
        out.print(line, markup=False, highlight=False)


def _told(answer: dict[str, Any]) -> Iterator[str]:
    """What was done, or would be, in plain words."""
    if not answer["applied"]:
        yield "Nothing is done yet. This would happen:"
    yield from answer["notes"]
    for sent in answer["commands"]:
        yield f"sends {sent['type']} to {sent['to']} ({sent['step']})"
    for follows in answer["then"]:
        yield f"then sends {follows['type']} to {follows['to']} ({follows['step']})"
    for event in answer["events"]:
        yield f"publishes {event}"
    for money in answer["money"]:
        amount = money["amount"]
        yield f"money: {money['type']} {amount['amount']} minor units of {amount['currency']}"
    for stock in answer["stock"]:
        lines = ", ".join(f"{line['quantity']} of {line['sku']}" for line in stock["lines"])
        yield f"stock: {stock['type']} {lines}"
    yield f"The saga is {answer['status']}" + ("." if answer["applied"] else " then.")
