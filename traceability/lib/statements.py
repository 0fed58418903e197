"""SQL that is ready before its transaction begins.

SQLite has one writer at a time, and on PostgreSQL a row that was changed is locked
until the end. The ORM needs some 0.3 ms of Python to put an INSERT or UPDATE into
words, and threads that wait for each other make that more; the database then needs a
tenth of it. So what is known beforehand is worded beforehand: nobody waits for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection
from django.db.models import AutoField, Field, Model, QuerySet
from django.db.models.sql import InsertQuery, UpdateQuery


@dataclass(frozen=True)
class Statement:
    """What to send to the database, once."""

    sql: str
    parameters: Sequence[Any]

    def run(self) -> int:
        """Send it in the caller's transaction; returns how many rows it wrote."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.parameters)
            return int(cursor.rowcount)


def run_all(statements: Iterable[Statement]) -> None:
    for statement in statements:
        statement.run()


def insertion(rows: Sequence[Model]) -> list[Statement]:
    """Insert new rows of one model, as many in a statement as the database takes.

    They count as saved from now on. Nobody learns the keys that the database gives
    them, and no signals are sent.
    """
    worded = [_inserting(some) for some in _portions(rows)]
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias
    return worded


def _portions(rows: Sequence[Model]) -> Iterator[Sequence[Model]]:
    if not rows:
        return
    most = max(1, connection.ops.bulk_batch_size(_fields(rows[0]), rows))
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


def _inserting(rows: Sequence[Model]) -> Statement:
    query = InsertQuery(type(rows[0]))
    query.insert_values(_fields(rows[0]), list(rows))
    ((sql, parameters),) = query.get_compiler(connection=connection).as_sql()
    return Statement(sql, parameters)


def _fields(row: Model) -> list[Field[Any, Any]]:
    """All that the database does not number by itself."""
    fields = row._meta.concrete_fields
    return [field for field in fields if not isinstance(field, AutoField)]


def update(rows: QuerySet[Any], **values: Any) -> Statement:
    """What `rows.update(**values)` would do now."""
    query = cast(UpdateQuery, rows.query.chain(UpdateQuery))
    query.add_update_values(values)
    return Statement(*query.get_compiler(connection=connection).as_sql())
