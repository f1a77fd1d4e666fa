"""services, consumers, dead: how deliveries stand, and acting on them: pause, resume, back-fill,
replay; with --dry-run it is only said what would be done."""

from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, out, platform, show, table
from deploy.cli.reviews import ME, Me, Why
from deploy.client import Refused

consumers_app = typer.Typer(help="Every subscriber.", invoke_without_command=True)
dead_app = typer.Typer(help="What could not be handled.", invoke_without_command=True)
app.add_typer(consumers_app, name="consumers")
app.add_typer(dead_app, name="dead")
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do, do nothing.")]
Service = Annotated[str, typer.Option(help="Of this service.")]


@app.command()
def services(data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """Every service: whether it is paused, and what waits in it."""
    listed = platform(data, url).get("/services")
    if as_json:
        return show(listed)
    heads = ("service", "kind", "paused", "put aside", "since", "outside", "since", "dead")
    names = ("waiting", "waiting_oldest", "intents", "intents_oldest", "dead")
    rows = [
        (s["name"], s["kind"], _until(s), *("" if s[n] is None else s[n] for n in names))
        for s in listed
    ]
    table("", heads, rows)


@consumers_app.callback()
def consumers(
    context: typer.Context, data: Data = FOLDER, url: Url = "", as_json: AsJson = False
) -> None:
    """Every subscriber: how many deliveries in which state, and how what fails is tried again."""
    if context.invoked_subcommand:
        return
    listed = platform(data, url).get("/consumers")
    if as_json:
        return show(listed)
    states = ("handled", "pending", "retrying", "dead", "ignored")
    rows = [
        (
            c["subscriber"],
            *(c[state] for state in states),
            c["oldest_open"] or "",
            _until(c),
            _tried(c),
        )
        for c in listed
    ]
    table("", ("subscriber", *states, "oldest open", "paused", "what fails"), rows)


@consumers_app.command("pause")
def pause(
    name: str,
    reason: Why,
    seconds: Annotated[float | None, typer.Option("--for", help="How long; an hour.")] = None,
    dry_run: DryRun = False,
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
) -> None:
    """Let a service keep what comes, and do nothing with it, for a while."""
    length = {"for_seconds": seconds} if seconds else {}
    caller = platform(data, url, subject=me)
    said = caller.call("POST", _at(name, "pause", dry_run), {"reason": reason, **length})
    _say(said, f"{name} rests until {said['paused']['until']}")


@consumers_app.command("resume")
def resume(
    name: str,
    reason: Why,
    dry_run: DryRun = False,
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
) -> None:
    """Let a paused service go on, with what it kept first."""
    caller = platform(data, url, subject=me)
    said = caller.call("POST", _at(name, "resume", dry_run), {"reason": reason})
    _say(said, f"{name} goes on, with {said['waiting']} messages that wait")


@consumers_app.command("backfill")
def backfill(
    name: str,
    reason: Why,
    event: Annotated[str, typer.Option(help="Of this type only.")] = "",
    since: Annotated[str, typer.Option(help="Since this time (RFC 3339).")] = "",
    dry_run: DryRun = False,
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
) -> None:
    """Deliver to a subscriber the events that it never got."""
    body = {"reason": reason, "event": event, "since": since or None}
    said = platform(data, url, subject=me).call("POST", _at(name, "backfill", dry_run), body)
    _say(said, f"{said['events']} events to {name}, through its own queue")


@dead_app.callback()
def dead(
    context: typer.Context,
    service: Service = "",
    subject: Annotated[str, typer.Option(help="About this order or customer.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Of this type.")] = "",
    data: Data = FOLDER,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """What could not be handled, with the reason, by service."""
    if context.invoked_subcommand:
        return
    wanted = {"service": service, "subject": subject, "type": kind}
    query = urlencode({name: value for name, value in wanted.items() if value})
    listed = platform(data, url).get(f"/dead-letters?{query}")["dead_letters"]
    if as_json:
        return show(listed)
    rows = [(d["id"], d["service"], d["type"], d["attempts"], d["reason"]) for d in listed]
    table("", ("id", "service", "type", "attempts", "reason"), rows)


@dead_app.command("replay")
def replay(
    letters: list[str],
    reason: Why = "",
    service: Service = "",
    dry_run: DryRun = False,
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
) -> None:
    """Hand dead letters to their services once more, each by itself."""
    wanted = [{"id": letter, "service": service} for letter in letters]
    body = {"reason": reason, "letters": wanted, "dry_run": dry_run}
    answers = platform(data, url, subject=me).call("POST", "/dead-letters:replay", body)
    for said in answers:
        if said["ok"]:
            what = f"{said['type']} about {said['subject']}"
            _say(said, f"{what} to {said['service']}: {said['then']}")
    refused = [f"{said['id']}: {_problem(said)}" for said in answers if not said["ok"]]
    if refused:
        raise Refused("\n".join(refused))


def _problem(said: dict[str, Any]) -> str:
    problem = said["problem"]
    return ". ".join(filter(None, (problem["title"], problem.get("detail"))))


def _at(name: str, what: str, dry_run: bool) -> str:
    return f"/consumers/{quote(name, safe='')}/{what}{_dry(dry_run)}"


def _dry(dry_run: bool) -> str:
    return "?dry_run=true" if dry_run else ""


def _say(answer: dict[str, Any], text: str) -> None:
    out.print(text if answer["applied"] else f"would be: {text}", markup=False)


def _until(one: dict[str, Any]) -> str:
    """Until when it is paused, and by whom."""
    paused = one["paused"]
    return f"until {paused['until']} by {paused['by']}" if paused else ""


def _tried(consumer: dict[str, Any]) -> str:
    """How often, at which intervals, and what then."""
    declared = consumer["retries"]
    if not declared:
        return "its own affair"
    first, longest = declared["first_retry_seconds"], declared["longest_retry_seconds"]
    return f"{declared['attempts']} tries, {first:g} to {longest:g} s apart, {declared['then']}"
