"""Brings every service's schema to its latest revision, with a role that may do just its work.

Run before the services start, as the owner of the database. Each service has a role, a schema and
an Alembic chain of its own; append-only tables take neither update nor delete.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.engine import make_url

from deploy.services import Known, services

ENVIRONMENT = Path(__file__).parent / "migrations_env"


def migrate(admin_url: str, passwords: Mapping[str, str]) -> list[str]:
    """Migrate every service; the names of those that changed. Safe to run again at any time.

    `passwords` gives each service's role its password; a role without one keeps what it has.
    """
    changed = []
    with _connected(admin_url) as connection:
        for service in services():
            with connection.begin():
                _role(connection, service.name, passwords.get(service.name))
                connection.execute(text(f"SET LOCAL search_path = {service.name}"))
                if _upgrade(connection, service):
                    changed.append(service.name)
                _grant(connection, service)
    return changed


def role_of(service: str) -> str:
    """The database role of a service."""
    return f"concerto_{service}"


@contextmanager
def _connected(admin_url: str) -> Iterator[Connection]:
    engine = create_engine(make_url(admin_url).set(drivername="postgresql+psycopg"))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _role(connection: Connection, service: str, password: str | None) -> None:
    role = role_of(service)
    known = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not known:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
    if password:
        quoted = password.replace("'", "''")
        connection.exec_driver_sql(f"ALTER ROLE {role} PASSWORD '{quoted}'")
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {service}")


def _upgrade(connection: Connection, service: Known) -> bool:
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(service.migrations))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    before = MigrationContext.configure(connection).get_current_revision()

    def upgrade(revision: Any, _: Any) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(config, script, fn=upgrade) as environment:
        environment.configure(connection, target_metadata=None)
        environment.run_migrations()
    return before != script.get_current_head()


def _grant(connection: Connection, service: Known) -> None:
    role, schema = role_of(service.name), service.name
    rights = "SELECT, INSERT, UPDATE, DELETE"
    statements = [
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        f"REVOKE ALL ON alembic_version FROM {role}",
        *(
            f"REVOKE UPDATE, DELETE ON {table} FROM {role}"
            for table in _append_only(service.tables())
        ),
    ]
    for statement in statements:
        connection.exec_driver_sql(statement)


def _append_only(metadata: MetaData) -> Sequence[str]:
    return [table.name for table in metadata.sorted_tables if table.info.get("append_only")]
