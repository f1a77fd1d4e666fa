"""up, down, status, migrate, settings, token, topology: the platform as processes."""

import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.common import FOLDER, AsJson, Data, app, console, found, out, show, table
from deploy.client import Refused

topology = typer.Typer(help="Who gets which event.", no_args_is_help=True)
app.add_typer(topology, name="topology")
ReadyTo = Annotated[bool, typer.Option("--detach", help="Return once everything is ready.")]


@app.command()
def up(
    data: Data = FOLDER,
    detach: ReadyTo = False,
    port: Annotated[int, typer.Option(help="Of HTTP; a free one unless told.")] = 0,
    broker: Annotated[
        str, typer.Option(help="valkey, redis, rabbitmq, none, or a redis:// or amqp:// URL.")
    ] = "valkey",
    workers: Annotated[int, typer.Option(min=1, max=16, help="Processes a participant.")] = 1,
    time_scale: Annotated[float, typer.Option(help="Every wait is multiplied by it.")] = 1.0,
) -> None:
    """Start the stack and print `ready URL`."""
    from deploy.local import lifecycle
    from deploy.local.servers import NotStarted
    from deploy.local.stack import NoBroker, configured

    try:
        stack = configured(data, broker, port, workers, time_scale)
        lifecycle.up(stack, lambda text: console.print(f"[dim]{text} …[/dim]"))
    except NoBroker as error:
        raise Refused(str(error), 2) from None
    except NotStarted as error:
        raise Refused(f"{error}\nconcerto down --data {data} ends what was started.") from None
    typer.echo(f"ready {stack.url}")
    console.print(f"console: {stack.url}/console   sign in: concerto console --data {data}")
    if not detach:
        _until_interrupted()
        console.print("[dim]ending …[/dim]")
        lifecycle.down(stack)


@app.command()
def down(data: Data = FOLDER) -> None:
    """End the stack; its data stays."""
    from deploy.local import lifecycle

    lifecycle.down(found(data))
    console.print("ended")


@app.command()
def status(data: Data = FOLDER, as_json: AsJson = False) -> None:
    """Say how the stack stands; exit code 1 unless all of it is ready."""
    from deploy.local import lifecycle

    standing = lifecycle.status(found(data))
    if as_json:
        show(standing)
    else:
        rows = [
            (p["name"], p["kind"], p["pid"] or "-", p["restarts"], "ready" if p["ready"] else "NO")
            for p in standing["processes"]
        ]
        table(standing["url"], ("process", "kind", "pid", "restarts", "ready"), rows)
    raise typer.Exit(0 if standing["ready"] else 1)


@app.command()
def migrate(
    data: Data = FOLDER,
    database_url: Annotated[str, typer.Option(help="The owner's, instead of the stack's.")] = "",
) -> None:
    """Bring every service's schema to its latest revision."""
    from deploy.migrate import migrate as run

    if database_url:
        changed = run(database_url, {})
    else:
        stack = found(data)
        changed = run(stack.postgres.url, stack.passwords())
    console.print(f"migrated: {', '.join(changed) or 'nothing to do'}")


@app.command()
def settings(as_json: AsJson = False) -> None:
    """Every setting with its value, its source and what it means; secrets are hidden."""
    import os

    from contracts.runtime.settings import Settings

    config = Settings()
    rows = [
        (name, getattr(config, name), _source(name, os.environ), field.description)
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        show({name: {"value": str(value), "source": source} for name, value, source, _ in rows})
    else:
        table("", ("setting", "value", "source", "meaning"), rows)


@app.command()
def token(
    role: Annotated[str, typer.Option(help="shop, customer, support, risk, operator, admin.")],
    subject: Annotated[str, typer.Option(help="Who it is for.")],
    data: Data = FOLDER,
) -> None:
    """Mint an access token, good for 15 minutes."""
    from deploy.local import lifecycle

    try:
        typer.echo(lifecycle.token(found(data), role, subject))
    except ValueError as error:
        raise Refused(str(error), 2) from None


@topology.command("apply")
def apply(
    data: Data = FOLDER,
    subscribe: Annotated[
        list[str] | None, typer.Option(help="NAME=EVENT of a subscriber outside this code.")
    ] = None,
) -> None:
    """Write who subscribed to what to every service, and bring a RabbitMQ to match."""
    from deploy import topology as declared

    stack, config = _stack_and_settings(data)
    outside = [_pair(text, declared.events()) for text in subscribe or ()]
    for change in declared.apply(config, outside, stack.broker_passwords()):
        out.print(f"{change.where}: +{len(change.missing)} -{len(change.undeclared)}")
    console.print("applied")


@topology.command("diff")
def diff(data: Data = FOLDER) -> None:
    """Where what is there differs from what is declared; exit code 1 if it does."""
    from deploy import topology as declared

    found = declared.diff(_stack_and_settings(data)[1])
    for difference in found:
        for what in difference.missing:
            out.print(f"{difference.where}: missing {what}", highlight=False)
        for what in difference.undeclared:
            out.print(f"{difference.where}: not declared {what}", highlight=False)
    raise typer.Exit(1 if found else 0)


def _pair(text: str, events: Sequence[str]) -> tuple[str, str]:
    """(event type, subscriber) out of NAME=EVENT; the event by its type or its name."""
    name, _, event = text.partition("=")
    kind = next((each for each in events if event in (each, each.split(".")[1])), None)
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or kind is None:
        known = ", ".join(each.split(".")[1] for each in events)
        raise Refused(f"{text!r} is not NAME=EVENT; the events are {known}", 2)
    return kind, name


def _stack_and_settings(data: Path) -> tuple[Any, Any]:
    import os

    from deploy.local import lifecycle

    stack = found(data)
    os.environ.update(stack.everything())
    return stack, lifecycle.config(stack)


def _source(name: str, environment: Any) -> str:
    return "environment" if f"CONCERTO_{name.upper()}" in environment else "default"


def _until_interrupted() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        signal.pause()
    except KeyboardInterrupt:
        return
