"""The session of a batch: what is added, changed and summed is written, once, in few statements."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from contracts.runtime.bulk import add_up
from contracts.runtime.session import BatchSession


class Base(DeclarativeBase):
    """Tables of this test."""


class Shelf(Base):
    """A row with a key of two columns."""

    __tablename__ = "test_session_shelf"
    room: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    units: Mapped[int]
    note: Mapped[str | None]


class Total(Base):
    """A key of two columns, and a number."""

    __tablename__ = "test_session_total"
    room: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    units: Mapped[int]


@pytest.fixture
def sessions(postgres: str) -> Iterator[sessionmaker[BatchSession]]:
    """Makes sessions on a table of their own."""
    engine = create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"))
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    yield sessionmaker(engine, class_=BatchSession, autoflush=False, expire_on_commit=False)
    engine.dispose()


def written(sessions: sessionmaker[BatchSession]) -> list[Any]:
    """What stands in the table."""
    with sessions() as session:
        return list(
            map(tuple, session.execute(text("SELECT * FROM test_session_shelf ORDER BY 2")))
        )


def test_writes_to_several_tables_are_one_statement_and_read_after(
    sessions: sessionmaker[BatchSession],
) -> None:
    """Rows for two tables wait and go together; a query sees them; a second write to one of the
    tables sees the first."""
    seen: list[str] = []
    with sessions() as session, session.begin():
        event.listen(session.get_bind(), "before_cursor_execute", lambda *a: seen.append(a[2]))
        session.add(Shelf(room="a", number=1, units=3, note=None))
        add_up(session, Total.__table__, {("a", 1): (5,)})
        session.flush()
        assert len(seen) == 1
        add_up(session, Total.__table__, {("a", 1): (2,)})
        add_up(session, Total.__table__, {("a", 1): (1,)})
        assert session.scalar(text("SELECT units FROM test_session_total")) == 8
        assert len(seen) == 4
    assert written(sessions) == [("a", 1, 3, None)]


def test_added_and_changed_rows_are_written_in_one_statement_each(
    sessions: sessionmaker[BatchSession],
) -> None:
    """Fifty added, all loaded and changed: one query, one update; nothing is written twice."""
    seen: list[str] = []
    with sessions() as session, session.begin():
        session.add_all(Shelf(room="a", number=n, units=0, note=None) for n in range(50))
    with sessions() as session, session.begin():
        event.listen(session.get_bind(), "before_cursor_execute", lambda *a: seen.append(a[2]))
        session.load(Shelf, {("a", n) for n in range(50)})
        for number in range(50):
            session.get(Shelf, ("a", number)).units += number
        session.flush()
        session.flush()
    assert [statement.split()[0] for statement in seen] == ["SELECT", "UPDATE"]
    assert written(sessions) == [("a", n, n, None) for n in range(50)]


def test_what_is_changed_after_a_flush_is_written_by_the_next(
    sessions: sessionmaker[BatchSession],
) -> None:
    """A row that was just added is no exception."""
    with sessions() as session, session.begin():
        shelf = Shelf(room="a", number=1, units=1, note="new")
        session.add(shelf)
        session.flush()
        shelf.units, shelf.note = 2, None
    assert written(sessions) == [("a", 1, 2, None)]


def test_nothing_is_written_of_what_is_rolled_back(sessions: sessionmaker[BatchSession]) -> None:
    """Neither rows nor what was to be written later."""
    later: list[Any] = []
    with sessions() as session, session.begin() as transaction:
        session.add(Shelf(room="a", number=1, units=1, note=None))
        session.later(lambda session, items: later.extend(items), 1)
        transaction.rollback()
    assert written(sessions) == []
    assert later == []


def test_sums_are_added_to_what_stands(sessions: sessionmaker[BatchSession]) -> None:
    """A row that is not there begins at zero."""
    with sessions() as session, session.begin():
        for _ in range(2):
            add_up(session, Total.__table__, {("a", 1): (5,), ("b", 2): (1,)})
    with sessions() as session:
        found = session.execute(text("SELECT * FROM test_session_total ORDER BY 1")).all()
    assert list(map(tuple, found)) == [("a", 1, 10), ("b", 2, 2)]


def test_all_rows_that_begin_with_a_key_are_loaded_in_one_query(
    sessions: sessionmaker[BatchSession],
) -> None:
    """Found by their beginning, also what is added; and what is not there costs no query."""
    with sessions() as session, session.begin():
        rooms = ((room, number) for room in "ab" for number in (1, 2))
        session.add_all(Shelf(room=r, number=n, units=n, note=None) for r, n in rooms)
    seen: list[str] = []
    with sessions() as session, session.begin():
        event.listen(
            session.get_bind(), "before_cursor_execute", lambda *given: seen.append(given[2])
        )
        session.load(Shelf, {"a", "c"})
        assert [row.number for row in session.family(Shelf, "a")] == [1, 2]
        assert session.get(Shelf, ("a", 2)).units == 2
        assert session.get(Shelf, ("c", 1)) is None
        session.load(Shelf, {("a", 1)})
        session.add(Shelf(room="c", number=7, units=7, note=None))
        assert [row.number for row in session.family(Shelf, "c")] == [7]
        assert len(seen) == 1
    assert len(written(sessions)) == 5
