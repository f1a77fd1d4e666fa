"""reviews: what waits for a person; claim it, release it, give it to others, decide it."""

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, out, platform, show, table

reviews_app = typer.Typer(help="What waits for a person.", invoke_without_command=True)
app.add_typer(reviews_app, name="reviews")
Me = Annotated[str, typer.Option("--as", help="Who you are, at the stack in --data.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
ME = "cli"


@reviews_app.callback()
def reviews(
    context: typer.Context,
    data: Data = FOLDER,
    url: Url = "",
    role: Annotated[str, typer.Option(help="support, risk, operator.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Those you claimed.")] = False,
    unclaimed: Annotated[bool, typer.Option("--unclaimed", help="Those nobody has.")] = False,
    me: Me = ME,
    as_json: AsJson = False,
) -> None:
    """What waits for a person, oldest first."""
    if context.invoked_subcommand:
        return
    wanted = {"role": role, "mine": mine, "unclaimed": unclaimed}
    query = urlencode({name: value for name, value in wanted.items() if value})
    listed = platform(data, url, subject=me).get(f"/reviews?{query}")["reviews"]
    if as_json:
        return show(listed)
    names = ("id", "question", "owner", "claimed_by", "since", "until", "choices", "then")
    heads = ("review", "question", "who", "claimed by", *names[4:])
    table("", heads, [[_cell(one[name]) for name in names] for one in listed])


@reviews_app.command("claim")
def claim(
    review: str,
    take_over: Annotated[bool, typer.Option("--take-over", help="From whoever has it.")] = False,
    reason: Why = "",
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
) -> None:
    """Work on a review; with --take-over (and why) from whoever does."""
    body = {"take_over": take_over, "reason": reason}
    _say(platform(data, url, subject=me).call("POST", f"/reviews/{review}/claim", body))


@reviews_app.command("release")
def release(review: str, data: Data = FOLDER, url: Url = "", me: Me = ME) -> None:
    """Let others work on a review."""
    _say(platform(data, url, subject=me).call("POST", f"/reviews/{review}/release"))


@reviews_app.command("reassign")
def reassign(
    review: str,
    reason: Why,
    role: Annotated[str, typer.Option("--to-role", help="support, risk, operator, admin.")] = "",
    person: Annotated[str, typer.Option("--to-person", help="Who is to work on it.")] = "",
    data: Data = FOLDER,
    url: Url = "",
    me: Me = ME,
) -> None:
    """Let another role, or a person of the same, decide a review."""
    body = {"to_role": role or None, "to_person": person or None, "reason": reason}
    _say(platform(data, url, subject=me).call("POST", f"/reviews/{review}/reassign", body))


@reviews_app.command("decide")
def decide(
    review: str, choice: str, reason: Why, data: Data = FOLDER, url: Url = "", me: Me = ME
) -> None:
    """Decide a review."""
    body = {"choice": choice, "reason": reason}
    answer = platform(data, url, subject=me).call("POST", f"/reviews/{review}/decision", body)
    for note in answer["notes"]:
        out.print(note, markup=False)


def _say(review: dict[str, Any]) -> None:
    by = review["claimed_by"]
    out.print(f"{review['owner']} decides it; {by or 'nobody'} works on it", markup=False)


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")
