"""The worker of orders: `celery -A participants.orders.worker worker`."""

from contracts.delivery.wire import worker
from participants.orders.handlers import orders

app = worker(orders)
