"""Every setting, its default and its unit. Unset addresses mean the embedded stack.

Read from the environment with the prefix `CONCERTO_` (and, for secrets, from files in
`CONCERTO_SECRETS_DIR`). Every limit is here by name.
"""

import os
from datetime import timedelta
from functools import cache

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="CONCERTO_",
        secrets_dir=os.environ.get("CONCERTO_SECRETS_DIR"),
        extra="ignore",
        frozen=True,
    )

    database_url: str = Field("", description="PostgreSQL, for all services")
    broker_url: str = Field("", description="redis://, amqp:// or none")
    broker_admin_url: str = Field("", description="RabbitMQ's management HTTP, for topology")
    internal_url: str = Field("", description="where this platform's own HTTP answers")
    time_scale: float = Field(1.0, gt=0, description="every wait is multiplied by it")
    webhook_allow: str = Field("", description="hosts outbound webhooks may reach, by comma")

    payment_url: str = Field("", description="Stripe API v1 base address")
    payment_key: SecretStr = Field(SecretStr(""), description="the provider's secret key")
    payment_webhook_secret: SecretStr = Field(SecretStr(""), description="signs its webhooks")
    payment_return_url: str = Field(
        "http://localhost/", description="where customers come back to from their bank"
    )
    refund_limit: int = Field(
        100_000, ge=0, description="minor units of an order's refunds without a second person"
    )
    carrier_url: str = Field("", description="rates and shipments over HTTP")
    smtp_url: str = Field("", description="smtp://host:port")
    crm_url: str = Field("", description="where CRM webhooks are posted")
    crm_secret: SecretStr = Field(SecretStr(""), description="signs CRM webhooks, whsec_...")
    push_url: str = Field("", description="the push gateway; empty: no push is sent")
    push_secret: SecretStr = Field(SecretStr(""), description="signs what it is sent, whsec_...")
    webhook_failing_hours: float = Field(
        72.0, gt=0, description="a shop's webhook that fails for longer is disabled, scaled"
    )
    hold_hours: float = Field(
        24.0, gt=0, description="stock is held so long for an order that is not decided, scaled"
    )
    simulators: str = Field(
        "", description="NAME=URL by comma: what stands in for the outside, for the console to show"
    )
    signing_key: SecretStr = Field(SecretStr(""), description="signs access tokens, 32 bytes up")

    batch_messages: int = Field(200, gt=0, description="messages in one wire batch, at most")
    batch_bytes: int = Field(256 * 1024, gt=0, description="bytes in one wire batch, about")
    message_bytes: int = Field(1024 * 1024, gt=0, description="larger bodies are quarantined")
    http_body_bytes: int = Field(2 * 1024 * 1024, gt=0, description="larger requests are refused")
    prefetch_batches: int = Field(8, gt=0, description="batches a worker holds unacknowledged")
    worker_threads: int = Field(2, gt=0, description="transactions of a worker at once")
    in_flight_sagas: int = Field(800, gt=0, description="sagas with unanswered commands, at most")
    submit_queue: int = Field(2000, gt=0, description="orders waiting for a group commit, at most")
    submit_group: int = Field(200, gt=0, description="orders committed in one transaction, at most")
    pool_connections: int = Field(4, gt=0, description="database connections of one service engine")
    statement_seconds: float = Field(15.0, gt=0, description="the database ends slower statements")
    idle_transaction_seconds: float = Field(30.0, gt=0, description="and idle transactions")
    publish_seconds: float = Field(5.0, gt=0, description="deadline of one publish")
    trail_seconds: float = Field(30.0, gt=0, description="patience with a silent trail, scaled")
    outage_seconds: float = Field(60.0, gt=0, description="a batch waits for its database so long")
    due_seconds: float = Field(0.25, gt=0, description="how often the due loop looks, at most")
    visibility_seconds: int = Field(300, gt=0, description="unacknowledged batches come back after")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING, ERROR")
    metrics: bool = Field(True, description="count, where PROMETHEUS_MULTIPROC_DIR is a folder")
    tracing: float = Field(0.0, ge=0, le=1, description="the share of orders that is traced")
    trace_file: str = Field("", description="where spans go without a collector, as JSON lines")

    @property
    def broker_fans_out(self) -> bool:
        """Whether the broker itself copies an event to every subscriber's queue."""
        return self.broker_url.startswith(("amqp://", "amqps://"))

    def wait(self, seconds: float, least: float = 0.0) -> timedelta:
        """A wait in this deployment's time, but never less than `least`."""
        return timedelta(seconds=max(seconds * self.time_scale, least))

    def database(self, service: str) -> str:
        """The database URL of `service`: its own variable, or the common one."""
        return os.environ.get(f"CONCERTO_{service.upper()}_DATABASE_URL") or self.database_url


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
