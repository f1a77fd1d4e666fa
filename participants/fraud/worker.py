"""The worker of fraud: `celery -A participants.fraud.worker worker`."""

from contracts.delivery.wire import worker
from participants.fraud.handlers import fraud

app = worker(fraud)
