"""How long a delivery may be open by what its subscriber declares."""

from datetime import timedelta

from contracts.delivery.service import Retries, Service
from contracts.runtime.settings import settings
from side_effects.trail.consumer import PATIENCE_SECONDS

LEAST_SECONDS = 10.0  # in a deployment whose waits are short


def open_for(service: Service) -> timedelta:
    """The same in this deployment's time."""
    return settings().wait(open_seconds(service), least=LEAST_SECONDS)


def open_seconds(service: Service) -> float:
    """How long a delivery may be open at a subscriber: until the trail asks again, and as long as
    what fails in the handler, or outside, is tried again before it is a dead letter."""
    handling = tried_seconds(service.retries, service.retries.attempts)
    outside = (
        kind.attempts * kind.deadline_seconds + tried_seconds(service.retries, kind.attempts)
        for kind in service.performed
    )
    return PATIENCE_SECONDS + handling + max(outside, default=0.0)


def tried_seconds(retries: Retries, attempts: int) -> float:
    """From the first failure to the last of so many attempts."""
    return sum(retries.after(failures).total_seconds() for failures in range(1, attempts))
