"""The worker of shipping: `celery -A participants.shipping.worker worker`."""

from contracts.delivery.wire import worker
from participants.shipping.handlers import shipping

app = worker(shipping)
