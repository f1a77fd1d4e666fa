"""The worker of gifts: `celery -A participants.gifts.worker worker`."""

from contracts.delivery.wire import worker
from participants.gifts.handlers import gifts

app = worker(gifts)
