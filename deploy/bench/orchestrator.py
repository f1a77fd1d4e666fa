"""The orchestrator's worker with the trivial saga: `celery -A deploy.bench.orchestrator worker`."""

from contracts.delivery.wire import worker
from deploy.bench import trivial as trivial
from orchestrator.shell.handlers import orchestrator

app = worker(orchestrator)
