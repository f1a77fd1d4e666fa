"""The worker of recommendation: `celery -A side_effects.recommendation.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.recommendation.consumer import recommendation

app = worker(recommendation)
