"""The worker of trail: `celery -A side_effects.trail.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.trail.consumer import trail

app = worker(trail)
