"""What alerts read out of the JSON of `GET /now`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deploy.monitoring.limits import open_for
from deploy.monitoring.standing import heartbeats
from deploy.services import services

Now = Mapping[str, Any]
FRESH_SECONDS, ENDED_LEAST = 10, 20


def nothing(_: Now) -> float:
    """What `/now` says of an alert that only Prometheus, which remembers, can compute."""
    return 0.0


def behind(now: Now) -> list[str]:
    """Subscribers with a delivery that is open longer than they declare."""
    known = {service.name: service.load() for service in services()}
    return [
        consumer["subscriber"]
        for consumer in now["consumers"]
        if (oldest := _time(consumer["oldest_open"])) and consumer["subscriber"] in known
        if _time(now["at"]) - oldest > open_for(known[consumer["subscriber"]])
    ]


def behind_since(now: Now) -> Any:
    """Since when the one that is behind for longest is."""
    late = behind(now)
    return min(c["oldest_open"] for c in now["consumers"] if c["subscriber"] in late)


def paused(now: Now) -> list[str]:
    """What people have paused."""
    sagas = now["sagas"]["paused"]
    consumers = [c["subscriber"] for c in now["consumers"] if c["paused"]]
    return [*consumers, *([f"{sagas} sagas"] if sagas else [])]


def failing(now: Now) -> list[str]:
    """Services whose calls outside fail; but those that rest."""
    resting = {c["subscriber"] for c in now["consumers"] if c["paused"]}
    return [name for name in now["failing"] if name not in resting]


def gave_up(now: Now) -> list[str]:
    """Subscribers with an event that they could not handle."""
    return [c["subscriber"] for c in now["consumers"] if c.get("dead")]


def silent(_: Now) -> list[str]:
    """Services whose workers give no sign of life, by the health folder of this machine."""
    beats = heartbeats()
    return [name for _, (name,), age in beats if age > FRESH_SECONDS]


def unsent_seconds(now: Now) -> float:
    """How old the oldest event is that has not left."""
    oldest = _time(now.get("unsent_oldest"))
    return float((_time(now["at"]) - oldest).total_seconds()) if oldest else 0.0


def failure_rate(now: Now) -> float:
    """The share of sagas that were undone within an hour, of enough that it means something."""
    hour = now["last_hour"]
    enough = hour["completed"] + hour["undone"] >= ENDED_LEAST
    return float(hour["failure_rate"]) if enough else 0.0


def full(now: Now) -> float:
    """How many wait outside while there is no room."""
    return float(now["sagas"]["accepted"]) if now["saturation"]["share"] >= 1 else 0.0


def _time(said: Any) -> Any:
    return datetime.fromisoformat(said) if isinstance(said, str) else said
