"""The worker of users: `celery -A participants.users.worker worker`."""

from contracts.delivery.wire import worker
from participants.users.handlers import users

app = worker(users)
