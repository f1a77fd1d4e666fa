"""The worker of promotions: `celery -A participants.promotions.worker worker`."""

from contracts.delivery.wire import worker
from participants.promotions.handlers import promotions

app = worker(promotions)
