"""now, failures, timeline: how the platform stands, what fails, and what became of an order."""

from typing import Annotated, Any

import typer

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, out, platform, show, table


@app.command()
def now(data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """How the platform stands: sagas by step, reviews, consumers, alerts."""
    told = platform(data, url).get("/now")
    if as_json:
        return show(told)
    for line in _sentences(told):
        out.print(line, markup=False, highlight=False)
    steps = told["sagas"]["by_step"]
    names = ("saga", "step", "status", "count", "oldest")
    table("", names, [[row[name] for name in names] for row in steps])
    open_ = [row for row in told["consumers"] if row["depth"] or row["dead"] or row["paused"]]
    if open_:
        names = ("subscriber", "depth", "dead", "oldest_open", "paused")
        table("", names, [[row[name] for name in names] for row in open_])


@app.command()
def failures(
    since_seconds: Annotated[float, typer.Option("--since", help="Seconds back.")] = 86400,
    data: Data = FOLDER,
    url: Url = "",
    as_json: AsJson = False,
) -> None:
    """What failed or was tried in vain, grouped by service, place and error; most first."""
    listed = platform(data, url).get(f"/failures?since_seconds={since_seconds:g}")
    if as_json:
        return show(listed)
    names = ("kind", "service", "place", "error", "count", "newest")
    rows = [[*(one[name] for name in names), one["examples"][0]] for one in listed]
    table("", (*names, "example"), rows)


@app.command()
def timeline(order: str, data: Data = FOLDER, url: Url = "", as_json: AsJson = False) -> None:
    """What happened to an order, in both halves, in order of time."""
    from deploy.overview.timeline import lines

    told = platform(data, url).get(f"/sagas/{order}/timeline")
    if as_json:
        return show(told)
    for line in lines(told):
        out.print(line, markup=False, highlight=False)


def _sentences(told: dict[str, Any]) -> list[str]:
    sagas, hour, room = told["sagas"], told["last_hour"], told["saturation"]
    people = told["attention"]
    return [
        f"{sagas['in_flight']} sagas under way ({room['share']:.0%} of the room), "
        f"{sagas['compensating']} of them going back, {sagas['retrying']} trying again; "
        f"{sagas['accepted']} wait to begin, {sagas['paused']} are paused, "
        f"{sagas['overdue']} overdue",
        f"{people['open']} reviews open, {people['unclaimed']} of them unclaimed",
        f"last hour: {hour['started']} begun, {hour['completed']} completed, {hour['undone']} "
        f"undone ({hour['failure_rate']:.1%})",
        f"{told['dead_letters']} dead letters, {told['unsent_events']} events not sent yet",
        *(f"ALERT {one['name']} ({one['severity']}): {one['summary']}" for one in told["alerts"]),
    ]
