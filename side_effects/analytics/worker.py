"""The worker of analytics: `celery -A side_effects.analytics.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.analytics.consumer import analytics

app = worker(analytics)
