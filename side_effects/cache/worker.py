"""The worker of cache: `celery -A side_effects.cache.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.cache.consumer import cache

app = worker(cache)
