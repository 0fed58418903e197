"""What becomes of a file afterwards. Nothing here happens before the server has it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from traceability.ingest.watching.plan import (
    DONE,
    REJECTED,
    After,
    Candidate,
    Plan,
    Rejected,
)

TABLE = (
    "CREATE TABLE IF NOT EXISTS done "
    "(path TEXT PRIMARY KEY, size INTEGER, modified_ns INTEGER) WITHOUT ROWID"
)

_MOST = 2**63 - 1


class Journal:
    """The files that stay where they are and are done, in a file of its own.

    A file that is written anew is another one. Losing the journal costs uploads that
    the server answers with what it has.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, check_same_thread=False)
        self._file.execute(TABLE)
        self._lock = threading.Lock()

    def __contains__(self, candidate: Candidate) -> bool:
        sql = "SELECT 1 FROM done WHERE path = ? AND size = ? AND modified_ns = ?"
        with self._lock, closing(self._file.execute(sql, _row(candidate))) as found:
            return found.fetchone() is not None

    def add(self, candidate: Candidate) -> None:
        sql = "INSERT OR REPLACE INTO done VALUES (?, ?, ?)"
        with self._lock, self._file:
            self._file.execute(sql, _row(candidate))

    def prune(self) -> None:
        """Forget the files that are no longer there."""
        with self._lock, self._file:
            paths = [row[0] for row in self._file.execute("SELECT path FROM done")]
            gone = [(path,) for path in paths if not os.path.lexists(path)]
            self._file.executemany("DELETE FROM done WHERE path = ?", gone)

    def close(self) -> None:
        self._file.close()


def _row(candidate: Candidate) -> tuple[str | bytes, int, int]:
    """A time that is beyond what SQLite can hold is none of a camera's."""
    modified_ns = max(-_MOST, min(candidate.modified_ns, _MOST))
    return _as_kept(candidate.path), candidate.size, modified_ns


def _as_kept(path: Path) -> str | bytes:
    """As text; of a name that is not UTF-8 the bytes, which SQLite takes as well."""
    name = os.fsencode(path)
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name


def finish(candidate: Candidate, plan: Plan, journal: Journal) -> None:
    """The server has it: move it to `done/<day>/`, delete it, or note it as done.

    Raises OSError.
    """
    if plan.after is After.KEEP:
        journal.add(candidate)
    elif plan.after is After.DELETE:
        candidate.path.unlink(missing_ok=True)
    else:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        _move(candidate, plan, plan.folder / DONE / day)


def reject(candidate: Candidate, plan: Plan, why: Rejected) -> Path:
    """Move a file to `rejected/`, with the reason beside it; returns where it is."""
    target = _target(candidate, plan, plan.folder / REJECTED)
    target.parent.mkdir(parents=True, exist_ok=True)
    said = {
        "file": candidate.path.relative_to(plan.folder).as_posix(),
        "code": why.code,
        "message": why.message,
        "hint": why.hint,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(said, ensure_ascii=False, indent=1)
    reason = target.with_name(f"{target.name}.reason.json")
    reason.write_text(text, "utf-8", errors="backslashreplace")
    shutil.move(candidate.path, target)
    return target


def _move(candidate: Candidate, plan: Plan, folder: Path) -> None:
    target = _target(candidate, plan, folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(candidate.path, target)


def _target(candidate: Candidate, plan: Plan, folder: Path) -> Path:
    """Its place below `folder`; never that of another file."""
    target = folder / candidate.path.relative_to(plan.folder)
    places = (target.with_name(name) for name in _names(target, candidate))
    return next(place for place in places if not os.path.lexists(place))


def _names(target: Path, candidate: Candidate) -> Iterator[str]:
    """The file's own, then others: a camera's clock may stand still."""
    yield target.name
    later = f"{target.stem}-{candidate.modified_ns}"
    yield f"{later}{target.suffix}"
    for number in count(2):
        yield f"{later}-{number}{target.suffix}"
