"""Queues, workers and senders: the only package that knows Celery and Kombu.

Everything that travels is a CloudEvents JSON batch in the queue of one service. On Valkey and Redis
it is put there by name; on RabbitMQ it goes through an exchange per receiver and, for events, one
per stream, all of which `concerto topology apply` declares.
"""

from contracts.delivery.wire.sender import Sender
from contracts.delivery.wire.worker import worker

__all__ = ["Sender", "worker"]
