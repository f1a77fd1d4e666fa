"""The worker of onboarding: `celery -A side_effects.onboarding.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.onboarding.consumer import onboarding

app = worker(onboarding)
