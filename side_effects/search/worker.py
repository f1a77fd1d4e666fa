"""The worker of search: `celery -A side_effects.search.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.search.consumer import search

app = worker(search)
