"""Django's own backend, whose writers queue for their turn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from traceability.lib.sqlite.turns import Turn

_SECONDS = 5.0  # sqlite3's own, where the settings give no `timeout`


_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


class _Cursor(base.SQLiteCursorWrapper):
    owner: DatabaseWrapper

    def execute(self, query: str, params: Any = None) -> Any:
        with self.owner.turn_for(query):
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        with self.owner.turn_for(query):
            return super().executemany(query, param_list)


class DatabaseWrapper(base.DatabaseWrapper):
    """The turn lasts from BEGIN to the end of the outermost transaction, or for one
    statement: between those who queue nobody else would find the file free.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._turn: Turn | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        database = Path(conn_params["database"])
        # The same one again keeps its place, and the thread that may wait there.
        if self._turn is None or self._turn.database != database:
            self._turn = None if self.is_in_memory_db() else Turn(database)
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = self.connection.cursor(factory=_Cursor)
        cursor.owner = self
        return cursor

    @contextmanager
    def turn_for(self, query: str) -> Iterator[None]:
        """While that is done, where it writes and no transaction is open."""
        if self._turn is None or not self.autocommit or not _WRITES.match(query):
            yield
            return
        self._take(self._turn)
        try:
            yield
        finally:
            self._give()

    def _start_transaction_under_autocommit(self) -> None:
        if self._turn is not None:
            self._take(self._turn)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._give()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._give()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._give()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._give()

    def _take(self, turn: Turn) -> None:
        seconds = self.settings_dict["OPTIONS"].get("timeout", _SECONDS)
        try:
            came = turn.take(seconds)
        except OSError as error:
            text = f"unable to queue for the database: {error}"
            raise OperationalError(text) from error
        if not came:
            raise OperationalError("database is locked: another one has been writing")

    def _give(self) -> None:
        if self._turn is not None:
            self._turn.give()
