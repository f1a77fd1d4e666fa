"""The worker of webhooks: `celery -A side_effects.webhooks.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.webhooks.consumer import webhooks

app = worker(webhooks)
