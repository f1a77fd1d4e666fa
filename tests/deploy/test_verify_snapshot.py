"""`verify` compares a saga with its journal as both stood at one moment."""

from collections.abc import Iterator

from sqlalchemy import create_engine, text

from contracts.runtime.settings import Settings
from deploy.evidence import Reader


def test_what_is_read_together_is_of_one_moment(postgres: str) -> None:
    """What another writes between two of the queries is in none of their answers."""
    others = create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    count = "SELECT count(*) FROM written"

    def written(*statements: str) -> None:
        with others.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def asked() -> Iterator[str]:
        yield count
        written("INSERT INTO moment.written VALUES (2)")
        yield count

    written("CREATE SCHEMA moment", "CREATE TABLE moment.written AS SELECT 1 AS number")
    read = Reader(Settings(database_url=postgres))
    assert read.at_once("moment", asked()) == [[(1,)], [(1,)]]
    assert read("moment", count) == [(2,)]
    others.dispose()
