"""Alerts, rules, dashboards and runbooks say what the definitions say."""

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

from contracts.runtime import metrics
from contracts.runtime.health import FOLDER
from deploy.monitoring.__main__ import HERE, generated
from deploy.monitoring.alerts import ALERTS, firing
from deploy.monitoring.budget import WINDOWS, ratio
from deploy.monitoring.limits import open_seconds
from deploy.monitoring.rules import EVERY
from deploy.monitoring.runbooks import page_of
from deploy.monitoring.standing import GAUGES
from deploy.services import ROOT, services
from orchestrator.sagas import SAGAS
from orchestrator.shell import watch

AT = datetime(2026, 11, 26, 3, tzinfo=UTC)
NAMES = re.compile(r"\bconcerto[_:][a-z_:0-9]+")


def calm(**changes: Any) -> dict[str, Any]:
    """What `/now` says while all is well, with these parts changed."""
    sagas = {"overdue": 0, "retrying": 0, "paused": 0, "accepted": 0}
    last_hour = {"started": 90, "completed": 80, "undone": 10, "failure_rate": 0.1}
    consumer = {"subscriber": "email", "depth": 0, "dead": 0, "oldest_open": None, "paused": False}
    now = {
        "at": AT,
        "sagas": sagas,
        "last_hour": last_hour,
        "saturation": {"in_flight": 3, "limit": 800, "share": 0.0},
        "attention": {"open": 0, "unclaimed": 0, "oldest": None, "by_role": {}},
        "consumers": [consumer],
        "dead_letters": 0,
        "failing": {},
        "unsent_events": 0,
    }
    for part, change in changes.items():
        known = now[part]
        if isinstance(known, dict):
            now[part] = {**known, **change}
        else:
            now[part] = [{**consumer, **change}] if part == "consumers" else change
    return now


def exported() -> set[str]:
    """Every series that `/metrics` may have."""
    counted = [
        value
        for module in (metrics, watch)
        for value in vars(module).values()
        if isinstance(value, MetricWrapperBase)
    ]
    names = {family.name for each in counted for family in each.collect()}
    ends = ("_total", "_bucket", "_count", "_sum")
    recorded = {ratio(window) for window in WINDOWS}
    return {f"{name}{end}" for name in names for end in ends} | set(GAUGES) | recorded


def test_what_is_generated_is_current() -> None:
    """`python -m deploy.monitoring` would change nothing."""
    files = generated()
    stale = [name for name, text in files.items() if _text(HERE / name) != text]
    assert not stale, "run python -m deploy.monitoring"
    kept = {f"runbooks/{page.name}" for page in HERE.glob("runbooks/*.md")}
    assert kept == {name for name in files if name.startswith("runbooks/")}


def test_there_is_a_page_for_every_alert_and_every_step() -> None:
    """Named in the alert, and by saga and step."""
    assert all((ROOT / alert.runbook).exists() for alert in EVERY)
    steps = [page_of(saga, step) for saga in SAGAS.values() for step in saga.flat]
    assert len(steps) > 20
    assert all((HERE / "runbooks" / page).exists() for page in steps)
    payment = (HERE / "runbooks" / "order-authorize-payment.md").read_text()
    assert "payments is asked by `QueryPayment` | it asks every 30 s, 10 times (5 min)" in payment


def test_every_metric_that_is_asked_for_is_exported() -> None:
    """By the rules, and by both dashboards, which are JSON."""
    known = exported()
    for name in ("rules.yml", "dashboard.json", "consumers.json"):
        text = (HERE / name).read_text()
        asked = set(NAMES.findall(text))
        assert len(asked) > 10
        assert asked <= known, f"{name} asks for {asked - known}"
    for name in ("dashboard.json", "consumers.json"):
        panels = json.loads((HERE / name).read_text())["panels"]
        assert all(target["expr"] for panel in panels for target in panel["targets"])


def test_nothing_fires_while_all_is_well() -> None:
    """Nor do few orders make a failure rate."""
    assert firing(calm()) == []
    assert firing(calm(last_hour={"completed": 1, "undone": 1, "failure_rate": 0.5})) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("SagasOverdue", {"sagas": {"overdue": 1}}),
        ("ParticipantSilent", {"sagas": {"retrying": 6}}),
        ("FailureRate", {"last_hour": {"undone": 40, "failure_rate": 0.33}}),
        ("OperatorsAsked", {"attention": {"by_role": {"operator": 2}, "oldest": AT}}),
        ("CallsFail", {"failing": {"crm": 3}}),
        ("DeadLetters", {"dead_letters": 2}),
        ("PausedForLong", {"sagas": {"paused": 1}}),
        ("NoRoom", {"saturation": {"share": 1.0}, "sagas": {"accepted": 5}}),
    ],
)
def test_an_alert_fires_on_what_now_says(name: str, changes: dict[str, Any]) -> None:
    """With its page, its place in the console, and a value over its threshold."""
    (told,) = firing(calm(**changes))
    alert = next(alert for alert in ALERTS if alert.name == name)
    assert told["name"] == name
    assert told["value"] > alert.above
    assert (told["severity"], told["href"]) == (alert.severity, alert.href)
    assert told["runbook"] == f"deploy/monitoring/runbooks/{name}.md"
    assert told["since"] == AT


def test_who_fails_or_gave_up_is_named_and_who_rests_does_not_fail() -> None:
    """A paused subscriber has its own alert."""
    (told,) = firing(calm(dead_letters=1, consumers={"dead": 1}))
    assert told["summary"] == "Messages were given up: email"
    (told,) = firing(calm(failing={"email": 1}))
    assert told["summary"] == "Calls outside fail and are tried again: email"
    (told,) = firing(calm(failing={"email": 1}, consumers={"paused": True}))
    assert told["name"] == "PausedForLong"


def test_a_consumer_is_behind_when_its_declared_retries_are_over() -> None:
    """Not before: the time follows from what it declares."""
    email = next(service.load() for service in services() if service.name == "email")
    declared = timedelta(seconds=open_seconds(email))
    assert declared > timedelta(minutes=1)
    early, late = AT - declared * 0.9, AT - declared * 1.1
    assert firing(calm(consumers={"depth": 3, "oldest_open": early})) == []
    (told,) = firing(calm(consumers={"depth": 3, "oldest_open": late.isoformat()}, at=str(AT)))
    assert (told["name"], told["since"]) == ("ConsumerBehind", late.isoformat())
    assert told["summary"] == "Subscribers are behind: email"


def test_events_that_do_not_leave_fire_by_the_oldest() -> None:
    """Many that are on their way do not."""
    oldest = AT - timedelta(minutes=1)
    (told,) = firing({**calm(), "unsent_events": 3, "unsent_oldest": oldest})
    assert (told["name"], told["value"], told["since"]) == ("EventsUnsent", 60.0, oldest)
    assert firing({**calm(), "unsent_events": 900, "unsent_oldest": AT}) == []


def test_a_service_without_a_sign_of_life_fires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the health folder, whatever the databases say; its name stands in the summary."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    for service in services():
        (tmp_path / f"{service.name}.1.alive").touch()
    assert firing(calm()) == []
    (tmp_path / "crm.1.alive").unlink()
    (told,) = firing(calm())
    assert told["summary"] == "A service gives no sign of life: crm"


def test_the_rules_are_rules_of_prometheus(promtool: str) -> None:
    """Its own tool says so."""
    _run(promtool, "check", "rules", str(HERE / "rules.yml"))


def test_the_rules_fire_when_they_should(promtool: str, tmp_path: Path) -> None:
    """A saga that nobody wakes pages after a minute; two of a hundred orders that need a person
    spend the budget slowly, and twenty page."""
    checks = tmp_path / "checks.yml"
    checks.write_text(CHECKS.replace("RULES", str(HERE / "rules.yml")))
    _run(promtool, "test", "rules", str(checks))


@pytest.fixture
def promtool() -> str:
    """Prometheus's checker, from the machine's package."""
    found = shutil.which("promtool")
    if not found and not os.environ.get("CI"):
        pytest.skip("there is no promtool: apt-get install prometheus")
    assert found, "there is no promtool"
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


CHECKS = """
rule_files: [RULES]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'concerto_sagas_overdue{saga="order"}'
        values: '0 0 1 1 1 1'
    alert_rule_test:
      - {eval_time: 1m, alertname: SagasOverdue, exp_alerts: []}
      - eval_time: 4m
        alertname: SagasOverdue
        exp_alerts:
          - exp_labels: {severity: page, saga: order}
            exp_annotations:
              summary: Sagas are due and nobody wakes them
              runbook: deploy/monitoring/runbooks/SagasOverdue.md
              console: /console/orders?status=running
  - interval: 1m
    input_series:
      - series: 'concerto_sagas_ended_total{saga="order",outcome="completed",spent="nothing"}'
        values: '0+80x120'
      - series: 'concerto_sagas_ended_total{saga="order",outcome="completed",spent="person"}'
        values: '0+20x120'
    alert_rule_test:
      - {eval_time: 1m, alertname: BudgetBurnsFast, exp_alerts: []}
      - eval_time: 10m
        alertname: BudgetBurnsFast
        exp_alerts:
          - exp_labels: {severity: page, saga: order}
            exp_annotations:
              summary: Sagas spend their error budget within days
              runbook: deploy/monitoring/runbooks/BudgetBurnsFast.md
              console: /console/attention
  - interval: 1m
    input_series:
      - series: 'concerto_sagas_ended_total{saga="order",outcome="completed",spent="nothing"}'
        values: '0+98x240'
      - series: 'concerto_sagas_ended_total{saga="order",outcome="completed",spent="person"}'
        values: '0+2x240'
    alert_rule_test:
      - {eval_time: 3h, alertname: BudgetBurnsFast, exp_alerts: []}
      - eval_time: 3h
        alertname: BudgetBurnsSlowly
        exp_alerts:
          - exp_labels: {severity: ticket, saga: order}
            exp_annotations:
              summary: Sagas spend their error budget before its time
              runbook: deploy/monitoring/runbooks/BudgetBurnsSlowly.md
              console: /console/attention
"""
