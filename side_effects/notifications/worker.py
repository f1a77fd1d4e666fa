"""The worker of notifications: `celery -A side_effects.notifications.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.notifications.consumer import notifications

app = worker(notifications)
