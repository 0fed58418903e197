"""The queue of those who write to one SQLite file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from traceability.lib.sqlite.turns import SUFFIX, Turn

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

    def wait(number: int, turn: Turn) -> None:
        assert turn.take(LONG)
        served.append(number)
        turn.give()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=wait, args=(number, Turn(path))))
        threads[-1].start()
        _until(lambda asleep=number + 1: _asleep(path) == asleep)
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


def _asleep(database: Path) -> int:
    """How many the kernel lets wait for the lock."""
    number = database.with_name(database.name + SUFFIX).stat().st_ino
    locks = Path("/proc/locks").read_text().splitlines()
    return sum("->" in line and f":{number} " in line for line in locks)


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.001)
