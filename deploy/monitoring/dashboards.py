"""The dashboards of Grafana: the process, and its subscribers."""

import json
from typing import NamedTuple

WIDE, HIGH, COLUMNS = 8, 8, 3


class Panel(NamedTuple):
    """One graph: its title, PromQL by legend, and the unit of Grafana."""

    title: str
    shown: dict[str, str]
    unit: str = "short"


def _quantiles(metric: str, by: str) -> dict[str, str]:
    return {
        f"p{share} {{{{{by}}}}}": f"histogram_quantile({share / 100:g}, sum by (le, {by}) "
        f"(rate({metric}_bucket[5m])))"
        for share in (50, 99)
    }


def _rate(metric: str, *by: str, of: str = "") -> dict[str, str]:
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return {legend: f"sum by ({', '.join(by)}) (rate({metric}{of}[5m]))"}


SPENT = "concerto:saga_spent:ratio_rate1h"
PROCESS = (
    Panel("Sagas that begin, a second", _rate("concerto_sagas_started_total", "saga")),
    Panel("Sagas that end, a second", _rate("concerto_sagas_ended_total", "saga", "outcome")),
    Panel("Share that spends the error budget", {"{{saga}}": SPENT}, "percentunit"),
    Panel("Open sagas by step", {"{{saga}}: {{step}} ({{status}})": "concerto_sagas_open"}),
    Panel("Longest wait", {"{{saga}}: {{step}}": "concerto_sagas_oldest_seconds"}, "s"),
    Panel("Overdue", {"{{saga}}": "concerto_sagas_overdue"}),
    Panel("From start to end", _quantiles("concerto_saga_seconds", "saga"), "s"),
    Panel(
        "Under way, and the room there is",
        {
            "under way": 'sum(concerto_sagas_open{status!="review"})',
            "waiting to begin": "concerto_sagas_accepted",
            "room": "concerto_sagas_limit",
        },
    ),
    Panel("Answers, a second", _rate("concerto_step_results_total", "step", "result")),
    Panel(
        "Compensations begun, a second",
        _rate("concerto_commands_sent_total", "saga", "step", of='{kind="undo",why="first"}'),
    ),
    Panel(
        "Commands sent again, a second",
        _rate("concerto_commands_sent_total", "step", "why", of='{why!="first"}'),
    ),
    Panel("Steps that are tried again", {"{{service}}: {{step}}": "concerto_sagas_retrying"}),
    Panel(
        "Questions to people",
        {
            "open, {{owner}}": "concerto_reviews_open",
            "on which nobody works, {{owner}}": "concerto_reviews_unclaimed",
            "soon over, {{owner}}": "concerto_reviews_near",
            "over, {{owner}}": "concerto_reviews_past",
        },
    ),
    Panel("Oldest question", {"{{owner}}": "concerto_reviews_oldest_seconds"}, "s"),
    Panel("Questions, a second", _rate("concerto_reviews_opened_total", "owner", "trouble")),
    Panel("HTTP requests, a second", _rate("concerto_http_requests_total", "route", "status")),
    Panel("HTTP", _quantiles("concerto_http_request_seconds", "method"), "s"),
    Panel("Sign of life", {"{{service}}": "concerto_heartbeat_age_seconds"}, "s"),
)
CONSUMERS = (
    Panel("Open deliveries", {"{{subscriber}} ({{state}})": "concerto_deliveries_open"}),
    Panel(
        "Oldest open delivery",
        {
            "{{subscriber}}": "concerto_deliveries_oldest_seconds",
            "may last, {{subscriber}}": "concerto_deliveries_limit_seconds",
        },
        "s",
    ),
    Panel("Dead letters", {"{{service}}": "concerto_dead_letters"}),
    Panel("Messages, a second", _rate("concerto_messages_total", "service", "outcome")),
    Panel("A batch takes", _quantiles("concerto_batch_seconds", "service"), "s"),
    Panel("Messages in a batch", _quantiles("concerto_batch_messages", "service")),
    Panel(
        "Put aside, to be tried again",
        {
            "{{service}}": "concerto_put_aside",
            "oldest, {{service}}": "concerto_put_aside_oldest_seconds",
        },
    ),
    Panel("Events that did not leave", {"{{service}}": "concerto_events_unsent"}),
    Panel("Oldest of them", {"{{service}}": "concerto_events_oldest_seconds"}, "s"),
    Panel("Calls outside that are to be made", {"{{service}}": "concerto_intents_pending"}),
    Panel("Oldest of them", {"{{service}}": "concerto_intents_oldest_seconds"}, "s"),
    Panel(
        "Calls outside, a second",
        _rate("concerto_outside_call_seconds_count", "intent", "outcome"),
    ),
    Panel("Calls outside take", _quantiles("concerto_outside_call_seconds", "intent"), "s"),
    Panel("Databases", {"{{service}}": "concerto_database_up"}),
)


def dashboard(title: str, panels: tuple[Panel, ...]) -> str:
    """A dashboard as Grafana imports it; it asks for the data source then."""
    drawn = [_panel(number, panel) for number, panel in enumerate(panels)]
    whole = {
        "title": title,
        "uid": title.lower().replace(" ", "-"),
        "schemaVersion": 39,
        "editable": True,
        "tags": ["concerto"],
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": drawn,
    }
    return json.dumps(whole, indent=1) + "\n"


def _panel(number: int, panel: Panel) -> dict[str, object]:
    row, column = divmod(number, COLUMNS)
    source = {"type": "prometheus", "uid": "${source}"}
    targets = [
        {"refId": chr(ord("A") + place), "expr": expr, "legendFormat": legend, "datasource": source}
        for place, (legend, expr) in enumerate(panel.shown.items())
    ]
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": source,
        "gridPos": {"x": column * WIDE, "y": row * HIGH, "w": WIDE, "h": HIGH},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
