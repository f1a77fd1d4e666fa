"""The edge that starts a trivial saga for each order."""

from fastapi import FastAPI

from contracts.delivery.due import Host
from contracts.delivery.wire import Sender
from contracts.runtime import telemetry
from contracts.runtime.settings import settings
from deploy.api import build
from deploy.bench.trivial import beginning
from orchestrator.shell.runner import orchestrator


def app() -> FastAPI:
    """The app of `uvicorn --factory deploy.bench.api:app`."""
    config = settings()
    telemetry.start("api", config.log_level)
    sender = Sender(config)
    return build(config, Host(orchestrator, config, sender.send), beginning)
