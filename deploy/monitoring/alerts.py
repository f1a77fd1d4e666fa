"""START HERE: every alert as one value; the Prometheus rules, the runbooks and `GET /now` follow.

Stuck is computed, never guessed: what is past the end that its definition declares is overdue.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from deploy.monitoring import reading
from deploy.monitoring.reading import ENDED_LEAST, FRESH_SECONDS, Now

RUNBOOKS = "deploy/monitoring/runbooks"
RETRYING_MOST, FAILURE_RATE_MOST, UNSENT_SECONDS = 5, 0.25, 30


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert: `expr` is PromQL and true for `lasts` before it fires; `value` out of the JSON of
    `/now` is more than `above` when it fires there; `since` says since when, `names` who it is."""

    name: str
    severity: Literal["page", "ticket"]
    summary: str
    expr: str
    lasts: str
    means: str
    does: tuple[str, ...]
    href: str
    value: Callable[[Now], float] = reading.nothing
    above: float = 0.0
    since: Callable[[Now], Any] = lambda now: now["at"]
    names: Callable[[Now], list[str]] = lambda _: []

    @property
    def runbook(self) -> str:
        """Its page."""
        return f"{RUNBOOKS}/{self.name}.md"


def firing(now: Now) -> list[dict[str, Any]]:
    """The alerts that the JSON of `/now` sets off, pages first."""
    found = [_told(alert, now) for alert in ALERTS if alert.value(now) > alert.above]
    return sorted(found, key=lambda told: told["severity"])


def _told(alert: Alert, now: Now) -> dict[str, Any]:
    names = ", ".join(alert.names(now))
    return {
        "name": alert.name,
        "severity": alert.severity,
        "summary": f"{alert.summary}: {names}" if names else alert.summary,
        "value": alert.value(now),
        "since": alert.since(now),
        "runbook": alert.runbook,
        "href": alert.href,
    }


_OF_ORDERS = 'increase(concerto_sagas_ended_total{saga="order"}[1h])'
_UNDONE = 'increase(concerto_sagas_ended_total{saga="order",outcome="undone"}[1h])'
WHY = "`concerto why ORDER` says of one of them where it is, what was tried and what comes next."

ALERTS = (
    Alert(
        name="SagasOverdue",
        severity="page",
        summary="Sagas are due and nobody wakes them",
        expr="sum by (saga) (concerto_sagas_overdue) > 0 or sum by (owner) (concerto_reviews_past)"
        " > 0",
        lasts="1m",
        means="Every saga that is not ended has a time at which something is done about it, in "
        "review too. For these it has passed, and the orchestrator has done nothing.",
        does=(
            "See whether the orchestrator runs and gets on: `concerto status`.",
            "Read what it says: `concerto logs ORDER`, or its log file.",
            "Start it again. Nothing is lost: what is due is taken up at once.",
        ),
        href="/console/orders?status=running",
        value=lambda now: now["sagas"]["overdue"],
    ),
    Alert(
        name="ParticipantSilent",
        severity="page",
        summary="Steps are tried again",
        expr=f"sum by (service) (concerto_sagas_retrying) > {RETRYING_MOST}",
        lasts="2m",
        means="A participant, or what stands behind it, does not answer in the time its steps "
        "declare, refuses, or cannot tell. Sagas wait; nothing is done twice.",
        does=(
            "See which service and which step: the label `service`, or the page.",
            "See whether it runs (`concerto status`) and what it cannot do "
            "(`concerto_outside_call_seconds_count`, by outcome).",
            "If what is outside is down, wait: every step is tried on at growing intervals, and "
            "only then is a person asked. When it is back, retry what was asked in bulk.",
        ),
        href="/console/orders?retrying=true",
        value=lambda now: now["sagas"]["retrying"],
        above=RETRYING_MOST,
    ),
    Alert(
        name="FailureRate",
        severity="page",
        summary="Many orders are undone",
        expr=f"sum({_UNDONE}) / sum({_OF_ORDERS}) > {FAILURE_RATE_MOST} and "
        f"sum({_OF_ORDERS}) >= {ENDED_LEAST}",
        lasts="5m",
        means=f"More than {FAILURE_RATE_MOST:.0%} of the orders that ended within an hour were "
        "undone. Each was undone properly; that so many are is the question.",
        does=(
            "See what they have in common: the page groups them by service and reason.",
            "A declined card or a missing SKU is business; one reason for all of them is a fault.",
        ),
        href="/console/failures",
        value=reading.failure_rate,
        above=FAILURE_RATE_MOST,
    ),
    Alert(
        name="EventsUnsent",
        severity="page",
        summary="Events are committed and do not leave",
        expr=f"max by (service) (concerto_events_oldest_seconds) > {UNSENT_SECONDS}",
        lasts="1m",
        means="An event leaves at once; what a crash leaves behind is sent when its lease ends, "
        f"after ten seconds. One that is older than {UNSENT_SECONDS} s says that the broker does "
        "not take it or that the service's worker does not run.",
        does=(
            "See whether broker and worker run: `concerto status`.",
            "`concerto topology diff` says whether a queue or an exchange is missing, `concerto "
            "topology apply` puts it back.",
            "Nothing is lost meanwhile: they stand in the outbox.",
        ),
        href="/console/consumers",
        value=reading.unsent_seconds,
        above=UNSENT_SECONDS,
        since=lambda now: now["unsent_oldest"],
    ),
    Alert(
        name="HeartbeatMissing",
        severity="page",
        summary="A service gives no sign of life",
        expr=f"max by (service) (concerto_heartbeat_age_seconds) > {FRESH_SECONDS}",
        lasts="1m",
        means="Each worker touches a file whenever its loop comes round. Where it has not for so "
        "long, the process has ended or hangs, even if it is still connected to the broker.",
        does=(
            "`concerto status` says which process, and how often it was started again.",
            "Read the end of its log; end the process, and it is started again.",
        ),
        href="/console/consumers",
        value=lambda now: len(reading.silent(now)),
        names=reading.silent,
    ),
    Alert(
        name="DatabaseDown",
        severity="page",
        summary="A service's database does not answer",
        expr="min by (service) (concerto_database_up) == 0",
        lasts="1m",
        means="Workers of that service wait and then end; orders are answered 503 where it is the "
        "orchestrator's. Everything goes on when it is back.",
        does=("Bring the database back; nothing else has to be repaired.",),
        href="/console",
    ),
    Alert(
        name="NothingMeasured",
        severity="page",
        summary="The API does not say how the platform stands",
        expr="absent(concerto_database_up)",
        lasts="2m",
        means="Prometheus gets nothing from `/metrics`: no other alert can fire either.",
        does=("See whether the API runs (`concerto status`) and whether Prometheus reaches it.",),
        href="/console",
    ),
    Alert(
        name="OperatorsAsked",
        severity="ticket",
        summary="Sagas cannot go on by themselves",
        expr='sum(concerto_reviews_open{owner="operator"}) > 0',
        lasts="1m",
        means="No answer came, nobody can tell what happened, or it was refused every time.",
        does=(
            "`concerto reviews`. Where many are asked the same, mend the one cause first.",
            "Try again, all at once: under the same key, so that nothing is done twice.",
            "Cancel what can never be sent: its money goes back. Then try its step again.",
        ),
        href="/console/attention?role=operator",
        value=lambda now: now["attention"]["by_role"].get("operator", 0),
        since=lambda now: now["attention"]["oldest"],
    ),
    Alert(
        name="ReviewsNearTheirEnd",
        severity="ticket",
        summary="Questions to people run out soon",
        expr="sum by (owner) (concerto_reviews_near) > 0",
        lasts="1m",
        means="Three quarters of the time to decide have gone. When it has run out, the saga does "
        "by itself what its definition says: it undoes everything, or asks the next higher role.",
        does=("Claim and decide them, oldest first: `concerto reviews`.",),
        href="/console/attention",
        value=lambda now: now["attention"].get("near", 0),
        since=lambda now: now["attention"]["oldest"],
    ),
    Alert(
        name="ConsumerBehind",
        severity="ticket",
        summary="Subscribers are behind",
        expr="concerto_deliveries_oldest_seconds > on (subscriber) "
        "concerto_deliveries_limit_seconds",
        lasts="1m",
        means="A delivery is open for longer than the subscriber's declared retries take: by then "
        "it is handled or a dead letter, unless the subscriber does not run.",
        does=(
            "See whether it runs and is not paused: `concerto consumers`.",
            "What it fails with stands at the delivery: `concerto events ORDER`.",
            "It catches up by itself once it can.",
        ),
        href="/console/consumers",
        value=lambda now: len(reading.behind(now)),
        since=reading.behind_since,
        names=reading.behind,
    ),
    Alert(
        name="CallsFail",
        severity="ticket",
        summary="Calls outside fail and are tried again",
        expr="sum by (service) (concerto_intents_failing) > 0",
        lasts="5m",
        means="What stands outside of the service does not answer, or not as it should. It is "
        "called again at growing intervals; in the end an event is a dead letter.",
        does=(
            "Read what it fails with: `concerto failures`.",
            "If that will last, `concerto consumers pause`; once it is mended, `resume`.",
        ),
        href="/console/consumers",
        value=lambda now: len(reading.failing(now)),
        names=reading.failing,
    ),
    Alert(
        name="DeadLetters",
        severity="ticket",
        summary="Messages were given up",
        expr="sum by (service) (concerto_dead_letters) > 0",
        lasts="1m",
        means="A service failed to handle a message as often as it declares, or could not read it. "
        "Its neighbours are unharmed, and the message is kept with the reason.",
        does=(
            "Read the reason: `concerto dead`.",
            "Mend the cause, then hand them over once more: `concerto dead replay ID...`.",
        ),
        href="/console/dead-letters",
        value=lambda now: now["dead_letters"],
        names=reading.gave_up,
    ),
    Alert(
        name="MessagesFail",
        severity="ticket",
        summary="Messages fail and are tried again",
        expr="sum by (service) (concerto_put_aside) > 0",
        lasts="5m",
        means="A handler raises for some messages. They are tried again alone, and become dead "
        "letters when that was in vain.",
        does=(
            "The log says which and why: `concerto logs ORDER`, or grep `message failed`.",
            "It is a fault in the handler, or in what it needs; mend it before they are given up.",
        ),
        href="/console/failures",
        value=lambda now: now.get("put_aside", 0),
    ),
    Alert(
        name="PausedForLong",
        severity="ticket",
        summary="Something is paused",
        expr="max by (service) (concerto_service_paused) > 0 or sum(concerto_sagas_paused) > 0",
        lasts="30m",
        means="Somebody paused it and may have forgotten. Nothing is lost; it waits.",
        does=(
            "The audit says who and why: `concerto audit`.",
            "Let it go on, `concerto resume` or `concerto consumers resume`; else it ends by "
            "itself at its time.",
        ),
        href="/console/consumers",
        value=lambda now: len(reading.paused(now)),
        names=reading.paused,
    ),
    Alert(
        name="NoRoom",
        severity="ticket",
        summary="Orders wait to begin",
        expr="sum(concerto_sagas_accepted) > 0",
        lasts="15m",
        means="As many sagas are under way as `CONCERTO_IN_FLIGHT_SAGAS` lets; the others are "
        "accepted and wait. After an import that is meant; else something is slow.",
        does=(
            "See which step they are at, and which service is slow: the page, or the dashboard.",
        ),
        href="/console",
        value=reading.full,
    ),
)
