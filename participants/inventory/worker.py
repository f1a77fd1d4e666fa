"""The worker of inventory: `celery -A participants.inventory.worker worker`."""

from contracts.delivery.wire import worker
from participants.inventory.handlers import inventory

app = worker(inventory)
