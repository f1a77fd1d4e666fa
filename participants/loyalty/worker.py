"""The worker of loyalty: `celery -A participants.loyalty.worker worker`."""

from contracts.delivery.wire import worker
from participants.loyalty.handlers import loyalty

app = worker(loyalty)
