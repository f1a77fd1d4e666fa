"""The worker of email: `celery -A side_effects.email.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.email.consumer import email

app = worker(email)
