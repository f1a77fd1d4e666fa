"""The orchestrator's worker: `celery -A orchestrator.shell.worker worker`."""

from contracts.delivery.wire import worker
from orchestrator.shell.handlers import orchestrator

app = worker(orchestrator)
