"""The worker of weather: `celery -A side_effects.weather.worker worker`."""

from contracts.delivery.wire import worker
from side_effects.weather.consumer import weather

app = worker(weather)
