"""The orchestrator's worker: `celery -A orchestrator.shell.worker worker`."""

from contracts.delivery.wire import worker
from orchestrator.shell.runner import orchestrator

app = worker(orchestrator)
