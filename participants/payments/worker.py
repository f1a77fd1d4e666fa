"""The worker of payments: `celery -A participants.payments.worker worker`."""

from contracts.delivery.wire import worker
from participants.payments.handlers import payments

app = worker(payments)
