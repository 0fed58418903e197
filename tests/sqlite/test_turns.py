"""The queue of those who write to one SQLite file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections, transaction

from traceability.catalog.models import Site
from traceability.lib.sqlite.turns import Turn

LONG = 30.0
HOLD = """
import sys, time
from pathlib import Path
from traceability.lib.sqlite.turns import Turn
turn = Turn(Path(sys.argv[1]))
assert turn.take(30)
print("taken", flush=True)
time.sleep(600)
"""

FORK = """
import os, sys
from pathlib import Path
from traceability.lib.sqlite.turns import Turn
turn, other = Turn(Path(sys.argv[1])), Turn(Path(sys.argv[1]))
assert turn.take(30)
if not (child := os.fork()):
    turn.give()  # as one does who closes the connections that came along
    os._exit(0)
os.waitpid(child, 0)
assert not other.take(0.05)
turn.give()
assert other.take(30)
"""
INTERRUPTED = """
import signal, sys, threading
from pathlib import Path
from traceability.lib.sqlite.turns import Turn
holder, impatient, next_one = (Turn(Path(sys.argv[1])) for _ in range(3))
assert holder.take(30)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    impatient.take(30)
except KeyboardInterrupt as kept:
    interrupt = kept  # as the last one is in a shell
holder.give()
for one in threading.enumerate():
    if one.name == "turn":  # it comes to its turn, and must not keep it
        one.join(10)
assert next_one.take(10)
next_one.give()
assert impatient.take(30)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    database = tmp_path / "database"
    database.touch()
    return database


def test_who_came_first_writes_first(path: Path) -> None:
    first = Turn(path)
    assert first.take(LONG)
    served: list[int] = []
    last = None

    def wait(number: int, turn: Turn) -> None:
        assert turn.take(LONG)
        served.append(number)
        turn.give()

    threads = []
    for number in range(8):
        last = Turn(path)
        threads.append(threading.Thread(target=wait, args=(number, last)))
        threads[-1].start()
        _until(lambda turn=last: turn._waiting is not None)
        time.sleep(0.02)  # until it sleeps in the kernel
    assert served == []
    first.give()
    for thread in threads:
        thread.join(LONG)
    assert served == list(range(8))


def test_who_gave_up_holds_up_nobody_and_may_come_back(path: Path) -> None:
    holder, impatient, next_one = Turn(path), Turn(path), Turn(path)
    assert holder.take(LONG)
    assert not impatient.take(0.05)
    assert not impatient.take(0.05)
    holder.give()
    assert next_one.take(LONG)
    assert not impatient.take(0.05)
    next_one.give()
    assert impatient.take(LONG)
    impatient.give()
    assert holder.take(LONG)


def test_giving_without_having_takes_nothing_from_others(path: Path) -> None:
    one, other = Turn(path), Turn(path)
    assert one.take(LONG)
    other.give()
    assert not other.take(0.05)


def test_a_process_that_is_killed_loses_its_turn(path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "taken\n"
        turn = Turn(path)
        assert not turn.take(0.05)
        holder.kill()
        assert turn.take(LONG)


@pytest.mark.parametrize("script", [FORK, INTERRUPTED], ids=["fork", "interrupt"])
def test_neither_a_fork_nor_an_interrupted_wait_holds_or_ends_a_turn(
    path: Path, script: str
) -> None:
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=60)


def test_who_may_open_the_database_may_queue(path: Path) -> None:
    path.chmod(0o660)
    if os.geteuid() == 0:  # a command run by root before the service has written
        os.chown(path, 12345, 12346)
    assert Turn(path).take(LONG)
    database, queue = path.stat(), path.with_name("database-turn").stat()
    for name in ("st_mode", "st_uid", "st_gid"):
        assert getattr(queue, name) == getattr(database, name)


def test_a_connection_that_is_forgotten_loses_its_turn(path: Path) -> None:
    turn = Turn(path)
    assert turn.take(LONG)
    del turn
    assert Turn(path).take(LONG)


# Transactions

only_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="this database queues by itself"
)


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    """Starts something in a thread, with a connection of its own."""
    threads = []

    def start(work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            finally:
                connections.close_all()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(LONG)


@only_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_transaction_has_the_turn_until_it_ends(
    end: str, elsewhere: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    written = threading.Event()

    def write() -> None:
        with transaction.atomic():
            written.set()

    with _begun(end):
        other = elsewhere(write)
        assert not written.wait(0.2)
    other.join(LONG)
    assert written.is_set()


@contextmanager
def _begun(end: str) -> Iterator[None]:
    class Undone(Exception):
        pass

    try:
        with transaction.atomic():
            with transaction.atomic():
                pass  # the end of an inner one is not the end
            yield
            if end == "rollback":
                raise Undone
            if end == "close":
                connection.close()
    except Undone:
        pass


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_what_is_written_outside_of_transactions_queues_too(
    elsewhere: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    turn, read, written = Turn(_database()), threading.Event(), threading.Event()

    def write() -> None:
        assert not Site.objects.exists()
        read.set()
        Site.objects.update(name="X")
        written.set()

    assert turn.take(LONG)
    other = elsewhere(write)
    assert read.wait(LONG)
    assert not written.wait(0.2)
    turn.give()
    other.join(LONG)
    assert written.is_set()
    assert turn.take(LONG)


def _database() -> Path:
    return Path(connection.settings_dict["NAME"])


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_is_told_that_the_database_is_locked(
    elsewhere: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    errors: list[str] = []

    def write() -> None:
        connection.settings_dict["OPTIONS"]["timeout"] = 0.1
        try:
            with transaction.atomic():
                pass
        except OperationalError as error:
            errors.append(str(error))

    before = connection.settings_dict["OPTIONS"]["timeout"]
    try:
        with transaction.atomic():
            elsewhere(write).join(LONG)
    finally:
        connection.settings_dict["OPTIONS"]["timeout"] = before
    assert errors == ["database is locked: another one has been writing"]
    with transaction.atomic():
        pass


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_queue_that_cannot_be_opened_is_an_error_of_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection.ensure_connection()
    elsewhere = Turn(tmp_path / "away" / "database")
    monkeypatch.setattr(connections["default"], "_turn", elsewhere)
    with pytest.raises(OperationalError, match="unable to queue"), transaction.atomic():
        pass


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)
