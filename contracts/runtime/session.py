"""A session for a batch: rows are locked and loaded together, and written together.

`load` brings rows in with one query a table; `get` then answers from memory, also for what was just
added. `flush` inserts what is new and updates what has changed, and writes what else was to be
written, all in one statement, where SQLAlchemy's unit of work takes one for each row. What is read
in between sees what was to be written before. Mapped classes are plain rows here: no relationships,
no cascades, no defaults made in Python.
"""

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, event, inspect, select, tuple_
from sqlalchemy.orm import Session

from contracts.runtime.bulk import Write, among, insert_rows, together, update_rows

M = TypeVar("M")
Key = Any
Later = Callable[["BatchSession", list[Any]], None]
Over = Callable[[bool], None]


class BatchSession(Session):
    """Knows the rows of its batch, and writes what became of them in bulk."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rows: dict[tuple[type[Any], Key], Any] = {}
        self._families: dict[tuple[type[Any], Key], list[Any]] = {}
        self._added: list[Any] = []
        self._kept: list[Any] = []
        self._later: dict[Later, list[Any]] = {}
        self._writes: list[Write] = []
        self._over: list[Over] = []

    def load(self, mapped: type[M], keys: set[Key]) -> None:
        """Lock and load the rows of `mapped` with these primary keys, in order of the key.

        Where the primary key has several columns, the keys may all be values of its first: then
        every row that begins with one of them is loaded, and `family` finds them.
        """
        wanted = {key for key in keys if (mapped, key) not in self._rows}
        if not wanted:
            return
        self._rows.update(dict.fromkeys((mapped, key) for key in wanted))
        whole = isinstance(next(iter(wanted)), tuple)
        statement: Any = _locked(mapped, whole)  # type: ignore[arg-type]  # a class is hashable
        for row in self.scalars(statement, {"among": sorted(wanted)}):
            self._know(row)

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """The row with this primary key, or None; a query only when nobody loaded it."""
        if (entity, ident) in self._rows:
            return self._rows[entity, ident]
        if isinstance(ident, tuple) and (entity, ident[0]) in self._rows:
            return None
        return super().get(entity, ident, **options)

    def family(self, mapped: type[M], first: Key) -> list[M]:
        """The rows whose primary key begins with `first` and that were loaded or added."""
        return self._families.get((mapped, first), [])

    def rows(self, mapped: type[M]) -> list[M]:
        """The rows of this class that were loaded or added."""
        return [row for (kind, _), row in self._rows.items() if kind is mapped and row]

    def add(self, instance: object, *args: Any, **options: Any) -> None:
        """Add a row; `get` finds it from now on."""
        self._added.append(instance)
        self._know(instance)

    def add_all(self, instances: Iterable[object]) -> None:
        """Add many rows."""
        for instance in instances:
            self.add(instance)

    def write(self, write: Write) -> None:
        """Write these rows with all that is to be written until something is read.

        The writes of one statement do not see each other, so each has a table of its own.
        """
        if any(other.table is write.table for other in self._writes):
            self._write_out()
        self._writes.append(write)

    def execute(self, *args: Any, **options: Any) -> Any:
        """Execute a statement, which sees what was written before."""
        self._write_out()
        return super().execute(*args, **options)

    def scalar(self, *args: Any, **options: Any) -> Any:
        """The one value of a query, which sees what was written before."""
        self._write_out()
        return super().scalar(*args, **options)

    def scalars(self, *args: Any, **options: Any) -> Any:
        """The values of a query, which sees what was written before."""
        self._write_out()
        return super().scalars(*args, **options)

    def when_over(self, tell: Over) -> None:
        """Tell once whether the transaction has been committed; who asked last is told first."""
        self._over.append(tell)

    def tell_over(self, committed: bool) -> None:
        """Tell those who asked."""
        over, self._over = self._over, []
        for tell in reversed(over):
            tell(committed)

    def later(self, write: Later, item: Any) -> None:
        """Let `write` have this item, with all others given to it, at the next flush."""
        self._later.setdefault(write, []).append(item)

    def flush(self, objects: Any = None) -> None:
        """Write down what was added, what has changed, and what was to be written later."""
        changed = [*self.dirty, *(row for row in self._kept if inspect(row).modified)]
        added, self._added = self._added, []
        for (mapped, _), rows in _grouped(added, _values):
            insert_rows(self, mapped.__table__, rows)
        for (mapped, _), rows in _grouped(changed, _changes):
            update_rows(self, mapped.__table__, rows, _key_names(mapped.__table__))
        for row in (*changed, *added):
            # What is written is no change any more; there is no public call that says so.
            inspect(row)._commit_all(row.__dict__, self.identity_map)
        self._kept += added
        later, self._later = self._later, {}
        for write, items in later.items():
            write(self, items)
        self._write_out()

    def _know(self, row: Any) -> None:
        kind, key = type(row), _key(row)
        if isinstance(key, tuple) and not self._rows.get((kind, key)):
            self._families.setdefault((kind, key[0]), []).append(row)
        self._rows[kind, key] = row

    def _write_out(self) -> None:
        writes, self._writes = self._writes, []
        if writes:
            super().execute(*together(writes))


event.listen(BatchSession, "before_commit", lambda session: session.flush())
event.listen(BatchSession, "after_commit", lambda session: session.tell_over(True))
event.listen(BatchSession, "after_rollback", lambda session: session.tell_over(False))


@cache
def _locked(mapped: Any, whole: bool) -> Any:
    """The rows among some keys, or beginning with them, locked in order of the key."""
    columns = inspect(mapped).primary_key
    if not whole:
        chosen = among(columns[0])
    else:
        chosen = tuple_(*columns).in_(bindparam("among", expanding=True))
    return select(mapped).where(chosen).order_by(*columns).with_for_update()


def _grouped(
    rows: Iterable[Any], told: Callable[[Any], dict[str, Any]]
) -> Iterable[tuple[tuple[type[Any], tuple[str, ...]], list[dict[str, Any]]]]:
    """What is told of the rows, by class and by the columns it names."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        if values := told(row):
            found.setdefault((type(row), tuple(values)), []).append(values)
    return found.items()


def _values(row: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}


def _changes(row: Any) -> dict[str, Any]:
    """The columns that have changed, and the key; empty when none has."""
    before, now = inspect(row).committed_state, vars(row)
    changed = {name: now[name] for name in sorted(before) if before[name] != now[name]}
    return {**{name: now[name] for name in _key_names(row.__table__)}, **changed} if changed else {}


@cache
def _key_names(table: Table) -> tuple[str, ...]:
    return tuple(table.primary_key.columns.keys())


def _key(row: Any) -> Key:
    return _read_key(type(row))(row)  # type: ignore[arg-type]  # a class is hashable


@cache
def _read_key(mapped: Any) -> Callable[[Any], Key]:
    """Reads the primary key of a row: the value, or the values of several columns."""
    return attrgetter(*_key_names(mapped.__table__))
