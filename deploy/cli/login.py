"""console, find, show: the way into the console, what has an id, and how each step stands."""

from typing import Annotated
from urllib.parse import quote

import typer

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, found, out, platform, table
from deploy.cli.common import show as show_json
from deploy.client import Refused

ROLES = ("support", "risk", "operator", "admin")


@app.command("console")
def console(
    role: Annotated[str, typer.Option(help="support, risk, operator, admin.")] = "operator",
    me: Annotated[str, typer.Option("--as", help="Who you are.")] = "cli",
    data: Data = FOLDER,
) -> None:
    """Print a link that signs you in to the console; it is good for 15 minutes."""
    from deploy.local import lifecycle

    if role not in ROLES:
        raise Refused(f"the console is for {', '.join(ROLES)}, not for {role!r}", 2)
    stack = found(data)
    typer.echo(f"{stack.url}/console/login?token={quote(lifecycle.token(stack, role, me))}")


@app.command()
def find(identifier: str, data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """Say what has an id: an order, saga, command, review or event."""
    answer = platform(data, url).get(f"/ids/{quote(identifier)}")
    if as_json:
        return show_json(answer)
    out.print(f"{answer['kind']} of order {answer['order_id']}", highlight=False)


@app.command("show")
def show(order: str, data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """Show every step of an order (or of one of its sagas): how it stands, what was tried, what
    comes next, and what happens if it fails."""
    saga = platform(data, url).get(f"/sagas/{quote(order)}")
    if as_json:
        return show_json(saga)
    for line in saga["why"]:
        out.print(line, markup=False, highlight=False)
    names = ("name", "standing", "tried", "next", "due_at", "if_fails", "owner")
    heads = ("step", "stands", "tried", "next", "at", "if it fails", "by")
    table("", heads, [[step.get(name) or "" for name in names] for step in saga["steps"]])
