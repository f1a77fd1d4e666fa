"""What the migrations make is what the code declares: tables, columns, types, indexes."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, text

from contracts.delivery.tables import metadata as delivery
from deploy.services import Known, services
from tests.participants.bench import migrated


def declared(service: Known) -> MetaData:
    """The tables of a service with those of delivery."""
    both = MetaData()
    for metadata in (service.tables(), delivery):
        for table in metadata.tables.values():
            table.to_metadata(both)
    return both


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_a_migrated_schema_is_as_declared(postgres: str, service: Known) -> None:
    """Nothing is left to migrate between a service's schema and its models."""
    url = migrated(postgres).replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text(f"SET search_path = {service.name}"))
        connection.dialect.default_schema_name = service.name
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        left = compare_metadata(context, declared(service))
    engine.dispose()
    assert left == []
