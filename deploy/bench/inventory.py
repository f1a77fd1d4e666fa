"""The trivial participant's worker: `celery -A deploy.bench.inventory worker`."""

from contracts.delivery.wire import worker
from deploy.bench.trivial import inventory

app = worker(inventory)
