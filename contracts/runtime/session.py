"""A session that knows which rows its batch loaded, so that asking again costs no query."""

from typing import Any, TypeVar

from sqlalchemy import any_, inspect, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

M = TypeVar("M")
Key = Any


class BatchSession(Session):
    """`load` locks rows together; `get` then answers from memory, also for what was just added."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rows: dict[tuple[type[Any], Key], Any] = {}

    def load(self, mapped: type[M], keys: set[Key]) -> None:
        """Lock and load the rows of `mapped` with these primary keys, in order of the key."""
        wanted = {key for key in keys if (mapped, key) not in self._rows}
        if not wanted:
            return
        self._rows.update(dict.fromkeys((mapped, key) for key in wanted))
        columns = inspect(mapped).primary_key
        if len(columns) == 1:
            chosen = columns[0] == any_(literal(sorted(wanted), ARRAY(columns[0].type)))
        else:
            chosen = tuple_(*columns).in_(sorted(wanted))
        found = select(mapped).where(chosen).order_by(*columns).with_for_update()
        for row in self.scalars(found):
            self._rows[mapped, _key(row)] = row

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """The row with this primary key, or None; a query only when nobody loaded it."""
        if (entity, ident) in self._rows:
            return self._rows[entity, ident]
        return super().get(entity, ident, **options)

    def add(self, instance: object, *args: Any, **options: Any) -> None:
        """Add a row; `get` finds it from now on."""
        super().add(instance, *args, **options)
        self._rows[type(instance), _key(instance)] = instance

    def add_all(self, instances: Any) -> None:
        """Add many rows."""
        for instance in instances:
            self.add(instance)


def _key(row: object) -> Key:
    key = inspect(type(row)).primary_key_from_instance(row)
    return key[0] if len(key) == 1 else tuple(key)
