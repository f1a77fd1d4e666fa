"""Many rows in one statement: they travel as one JSON text and the database unpacks them.

A statement for each row costs its parsing, planning and a round of the driver each time; one for
all of them costs it once, and the rows are written by the JSON encoder in a single pass.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    ColumnElement,
    Interval,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import Executable

Row = Mapping[str, Any]


def insert_rows(
    session: Session,
    table: Any,
    rows: Sequence[Row],
    *,
    skip_known: bool = False,
    due_in: timedelta | None = None,
) -> None:
    """Insert rows, which all name the same columns; `due_in` from now is the `due_at` of all.

    With `skip_known`, rows whose key is there already are left as they are.
    """
    if rows:
        statement = _insert(table, tuple(rows[0]), skip_known, due_in is not None)
        late = {} if due_in is None else {"due_in": due_in}
        session.execute(statement, {"rows": packed(rows), **late})


def insert_new(session: Session, table: Any, rows: Sequence[Row], told: str) -> set[Any]:
    """Insert those rows whose key is not there yet; what they have in the column `told`."""
    if not rows:
        return set()
    statement = _insert(table, tuple(rows[0]), True, False).returning(table.c[told])
    return set(session.scalars(statement, {"rows": packed(rows)}))


def update_rows(
    session: Session, table: Any, rows: Sequence[Row], keys: tuple[str, ...] = ("id",)
) -> None:
    """Update the rows found by the columns `keys` with the other columns, which all rows name."""
    if rows:
        session.execute(_update(table, keys, tuple(rows[0])), {"rows": packed(rows)})


def add_up(session: Session, table: Any, sums: Mapping[Any, Sequence[int]]) -> None:
    """Add numbers to rows, by primary key (a tuple); rows that are not there begin at zero.

    They are taken in the order of their keys, so that two who add at once do not block each other.
    """
    keys = tuple(column.name for column in table.primary_key)
    numbers = tuple(column.name for column in table.columns if not column.primary_key)
    rows = [dict(zip((*keys, *numbers), (*key, *sums[key]), strict=True)) for key in sorted(sums)]
    if rows:
        session.execute(_add_up(table, keys, numbers), {"rows": packed(rows)})


def among(column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """Whether the column is one of these values, whose number does not change the statement."""
    return column == any_(literal(list(values), ARRAY(column.type)))  # type: ignore[no-any-return]


def given(table: Any, names: Sequence[str]) -> Any:
    """The parameter `rows` as a table of these columns, typed as in `table`."""
    columns = [column(name, table.c[name].type) for name in names]
    listed = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    return listed.table_valued(*columns).render_derived(name="given", with_types=True)


@cache
def _insert(table: Table, names: tuple[str, ...], skip_known: bool, late: bool) -> Any:
    rows = given(table, names)
    chosen = select(*(rows.c[name] for name in names))
    if late:
        chosen = chosen.add_columns(func.now() + bindparam("due_in", type_=Interval))
    statement = insert(table).from_select([*names, *(["due_at"] if late else [])], chosen)
    return statement.on_conflict_do_nothing() if skip_known else statement


@cache
def _update(table: Table, keys: tuple[str, ...], names: tuple[str, ...]) -> Executable:
    rows = given(table, names)
    changed = {name: rows.c[name] for name in names if name not in keys}
    found = (table.c[key] == rows.c[key] for key in keys)
    return update(table).where(*found).values(changed)


@cache
def _add_up(table: Table, keys: tuple[str, ...], numbers: tuple[str, ...]) -> Executable:
    rows = given(table, (*keys, *numbers))
    chosen = select(*(rows.c[name] for name in (*keys, *numbers)))
    statement = insert(table).from_select([*keys, *numbers], chosen)
    added = {name: table.c[name] + statement.excluded[name] for name in numbers}
    return statement.on_conflict_do_update(index_elements=keys, set_=added)


def packed(rows: Sequence[Row]) -> str:
    """The value of the parameter `rows`."""
    return msgspec.json.encode(rows).decode()
