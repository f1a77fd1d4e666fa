"""The worker of crm: `celery -A side_effects.crm.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.crm.consumer import crm

app = worker(crm)
