"""The HTTP edge: mounts each service's routes, each on that service's own database role."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import func, select, text

from contracts.delivery.due import Host
from contracts.delivery.outbox import Send
from contracts.messages.values import ContactId, CustomerId, saga_id_of
from contracts.runtime import collector, metrics, problems, telemetry
from contracts.runtime.bodies import BodyLimit
from contracts.runtime.contacts import Contact
from contracts.runtime.database import Database
from contracts.runtime.requests import Counted
from contracts.runtime.settings import Settings, settings
from deploy import acts, asyncapi, finding, operations, standing
from deploy.console import routes as console
from deploy.everywhere import Everywhere
from deploy.monitoring import alerts
from deploy.monitoring.standing import Standing
from deploy.overview import http as overview
from deploy.pricing import pricing
from deploy.services import services
from deploy.simulators import http as outside
from orchestrator.http import actions, orders, reviews, sagas, taking_back
from orchestrator.http.submit import Begin, ordered
from orchestrator.shell.handlers import orchestrator
from orchestrator.shell.tables import SagaRow
from participants.inventory.tables import Stock
from participants.payments.handlers import payments
from participants.users.remember import remember

# The only routes without roles; a webhook is let in by its signature, the login by a token.
OPEN = (
    *("/livez", "/readyz", "/metrics", "/asyncapi.json", "/webhooks/payments"),
    *console.OPEN,
)


def app() -> FastAPI:
    """The app of `uvicorn --factory deploy.api:app`, sending through the broker."""
    from contracts.delivery.wire import Sender

    config = settings()
    telemetry.start("api", config.log_level)
    return build(config, hosts_of(config, Sender(config).send))


def hosts_of(config: Settings, send: Send) -> dict[str, Host]:
    """Those that the edge speaks for: what comes in over HTTP makes them send something."""
    return {service.name: Host(service, config, send) for service in (orchestrator, payments)}


def build(config: Settings, hosts: Mapping[str, Host], begin: Begin = ordered) -> FastAPI:
    """The app on these settings; `hosts` are those it speaks for, `begin` what an order starts."""
    host = hosts[orchestrator.name]
    databases = {service.name: Database(service.name, config) for service in services()}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        collector.settle()
        yield
        for database in (*databases.values(), *(host.db for host in hosts.values())):
            database.close()

    edge = FastAPI(
        title="Concerto",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.DOCUMENTED,
    )
    problems.install(edge)
    edge.add_middleware(BodyLimit, most_bytes=config.http_body_bytes)
    if metrics.ON:
        edge.add_middleware(Counted)
    _orchestrator(edge, host, databases, begin, config)
    everywhere = Everywhere(databases)
    _services(edge, hosts, databases, everywhere)
    edge.include_router(operations.routes(host.db, databases["trail"], everywhere))
    edge.include_router(acts.routes(host.db, databases, everywhere))
    edge.include_router(standing.routes(everywhere))
    edge.include_router(overview.routes(host.db, databases["trail"], everywhere, alerts.firing))
    edge.include_router(finding.routes(host.db, databases["trail"]))
    edge.include_router(outside.routes(config))
    console.install(edge)
    _health(edge, host)
    _documents(edge)
    _metrics(edge, everywhere)
    return edge


def _orchestrator(
    edge: FastAPI, host: Host, databases: Mapping[str, Database], begin: Begin, config: Settings
) -> None:
    """Orders in, and what is done about sagas."""

    def keep(contacts: Sequence[Contact], owners: Mapping[ContactId, CustomerId]) -> None:
        remember(databases["users"], contacts, owners)

    price = pricing(databases["promotions"])
    edge.include_router(orders.routes(host, keep, price, config, begin))
    edge.include_router(taking_back.routes(host))
    edge.include_router(sagas.routes(host))
    edge.include_router(actions.routes(host))
    edge.include_router(reviews.routes(host))


def _services(
    edge: FastAPI,
    hosts: Mapping[str, Host],
    databases: Mapping[str, Database],
    everywhere: Everywhere,
) -> None:
    """Each service's routes; what they ask of another service is a function they are given."""
    asked: dict[str, dict[str, Any]] = {
        "orders": {"accepted": _accepted(hosts[orchestrator.name])},
        "payments": {"host": hosts[payments.name]},
        "cache": {"available": _available(databases["inventory"])},
        "trail": {"declared": _declared(), "paused": partial(standing.paused, everywhere)},
    }
    for name in (service.name for service in services() if service.http_module):
        module = import_module(f"{_folder(name)}.http")
        edge.include_router(module.routes(databases[name], **asked.get(name, {})))


def _declared() -> dict[str, Any]:
    """What each service says of itself as a subscriber."""
    each = [(known, known.load().retries) for known in services()]
    return {known.name: {"kind": known.kind, "retries": r.as_json()} for known, r in each}


def _folder(name: str) -> str:
    return next(service.package for service in services() if service.name == name)


def _accepted(host: Host) -> Any:
    """Answers for orders that were accepted and that `orders` has not heard of yet."""

    def accepted(order_id: str) -> dict[str, Any] | None:
        known = select(SagaRow.data).where(SagaRow.id == saga_id_of(order_id))
        with host.db.transaction() as session:
            data: dict[str, Any] | None = session.scalar(known)
        return data

    return accepted


def _available(inventory: Database) -> Any:
    """Answers how many units of a SKU are on hand; None of one that nobody stocks."""

    def available(sku: str) -> int | None:
        with inventory.transaction() as session:
            free = func.sum(Stock.on_hand - Stock.backordered)
            units = session.scalar(select(free).where(Stock.sku == sku))
        return None if units is None else max(int(units), 0)

    return available


def _documents(edge: FastAPI) -> None:
    @edge.get("/asyncapi.json", include_in_schema=False)
    def events() -> dict[str, Any]:
        return asyncapi.document()


def _health(edge: FastAPI, host: Host) -> None:
    @edge.get("/livez", include_in_schema=False)
    def livez() -> dict[str, str]:
        return {"status": "alive"}

    @edge.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        try:
            with host.db.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except Exception:
            body = problems.problem(503, "not-ready", "The database cannot be reached")
            return JSONResponse(body, 503, media_type=problems.MEDIA_TYPE)
        return JSONResponse({"status": "ready"})


def _metrics(edge: FastAPI, everywhere: Everywhere) -> None:
    standing = Standing(everywhere)

    @edge.get("/metrics", include_in_schema=False)
    def measured() -> Response:
        """How the platform stands, and what its processes have counted."""
        registry = metrics.counted()
        registry.register(standing)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
