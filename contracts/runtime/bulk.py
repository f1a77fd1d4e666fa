"""Many rows in one statement: they travel as one JSON text and the database unpacks them.

A statement for each row costs its parsing, planning and a round of the driver each time; one for
all of them costs it once, and the rows are written by the JSON encoder in a single pass. The writes
of several tables go together too: a session keeps them until something is read, or it is committed,
and then makes them one statement (PostgreSQL, "Data-Modifying Statements in WITH").
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, Protocol

import msgspec
from sqlalchemy import (
    JSON,
    ColumnElement,
    Interval,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import Executable

Row = Mapping[str, Any]


class Write(NamedTuple):
    """Rows to be written to one table: `make(number, *args)` is the statement, whose parameters end
    with that number."""

    table: Any
    make: Callable[..., Any]
    args: tuple[Any, ...]
    parameters: dict[str, Any]


class Writing(Protocol):
    """A session that keeps writes until it must write them."""

    def write(self, write: Write, /) -> None:
        """Keep this one."""


def insert_rows(
    session: Writing,
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
        late = {} if due_in is None else {"due_in": due_in}
        args = table, tuple(rows[0]), skip_known, due_in is not None
        session.write(Write(table, _insert, args, {"rows": packed(rows), **late}))


def insert_new(session: Session, table: Any, rows: Sequence[Row], told: str) -> set[Any]:
    """Insert those rows whose key is not there yet; what they have in the column `told`."""
    if not rows:
        return set()
    statement = _insert_new(table, tuple(rows[0]), told)
    return set(session.scalars(statement, {"rows0": packed(rows)}))


def update_rows(
    session: Writing, table: Any, rows: Sequence[Row], keys: tuple[str, ...] = ("id",)
) -> None:
    """Update the rows found by the columns `keys` with the other columns, which all rows name."""
    if rows:
        args = table, keys, tuple(rows[0])
        session.write(Write(table, _update, args, {"rows": packed(rows)}))


def add_up(session: Writing, table: Any, sums: Mapping[Any, Sequence[int]]) -> None:
    """Add numbers to rows, by primary key (a tuple); rows that are not there begin at zero.

    They are taken in the order of their keys, so that two who add at once do not block each other.
    """
    keys = tuple(column.name for column in table.primary_key)
    numbers = tuple(column.name for column in table.columns if not column.primary_key)
    rows = [dict(zip((*keys, *numbers), (*key, *sums[key]), strict=True)) for key in sorted(sums)]
    if rows:
        session.write(Write(table, _add_up, (table, keys, numbers), {"rows": packed(rows)}))


def together(writes: Sequence[Write]) -> tuple[Executable, dict[str, Any]]:
    """One statement that does all these writes, each to a table of its own; its parameters."""
    parameters = {
        f"{name}{number}": value
        for number, write in enumerate(writes)
        for name, value in write.parameters.items()
    }
    return _together(tuple((write.make, write.args) for write in writes)), parameters


def among(column: Any) -> ColumnElement[bool]:
    """Whether the column is one of the values in the parameter `among`, a list.

    Make the statement once: building it costs as much as executing it. Ids travel as text, for the
    driver would make each of them an object first.
    """
    text = isinstance(column.type, Uuid)
    listed = bindparam("among", type_=ARRAY(Text() if text else column.type))
    return column == any_(cast(listed, ARRAY(column.type)) if text else listed)  # type: ignore[no-any-return]


def given(table: Any, names: Sequence[str], parameter: str = "rows") -> Any:
    """The parameter as a table of these columns, typed as in `table`."""
    columns = [column(name, table.c[name].type) for name in names]
    listed = func.json_to_recordset(cast(bindparam(parameter, type_=Text), JSON))
    return listed.table_valued(*columns).render_derived(name="given", with_types=True)


@cache
def _together(parts: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...]) -> Executable:
    *before, last = (make(number, *args) for number, (make, args) in enumerate(parts))
    for number, write in enumerate(before):
        last = last.add_cte(write.cte(f"write{number}"))
    return last  # type: ignore[no-any-return]


@cache
def _insert_new(table: Table, names: tuple[str, ...], told: str) -> Any:
    return _insert(0, table, names, True, False).returning(table.c[told])


def _insert(number: int, table: Table, names: tuple[str, ...], skip_known: bool, late: bool) -> Any:
    rows = given(table, names, f"rows{number}")
    chosen = select(*(rows.c[name] for name in names))
    if late:
        chosen = chosen.add_columns(func.now() + bindparam(f"due_in{number}", type_=Interval))
    statement = insert(table).from_select([*names, *(["due_at"] if late else [])], chosen)
    return statement.on_conflict_do_nothing() if skip_known else statement


def _update(number: int, table: Table, keys: tuple[str, ...], names: tuple[str, ...]) -> Any:
    rows = given(table, names, f"rows{number}")
    changed = {name: rows.c[name] for name in names if name not in keys}
    found = (table.c[key] == rows.c[key] for key in keys)
    return update(table).where(*found).values(changed)


def _add_up(number: int, table: Table, keys: tuple[str, ...], numbers: tuple[str, ...]) -> Any:
    rows = given(table, (*keys, *numbers), f"rows{number}")
    chosen = select(*(rows.c[name] for name in (*keys, *numbers)))
    statement = insert(table).from_select([*keys, *numbers], chosen)
    added = {name: table.c[name] + statement.excluded[name] for name in numbers}
    return statement.on_conflict_do_update(index_elements=keys, set_=added)


def packed(rows: Sequence[Row]) -> str:
    """The value of the parameter `rows`."""
    return msgspec.json.encode(rows).decode()
