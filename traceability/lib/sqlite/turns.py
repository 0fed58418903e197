"""Who writes next: a queue for processes and threads that share a SQLite file.

SQLite has none. Who finds it locked sleeps, longer each time, and tries again: eight
who write without a pause wait seconds at times, while it lies idle between two sleeps.
The kernel serves those who wait for the lock of a file in the order in which they came,
and takes it from a process that ends. Only who comes in the moment in which the next
one wakes is served before.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from contextlib import suppress
from pathlib import Path

SUFFIX = "-turn"
"""Of the file whose lock it is; it lies beside the database."""


class Turn:
    """A connection's place in the queue of a database. One thread at a time may call.

    Raises OSError where the file of the queue cannot be opened.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self._file: _File | None = None
        self._waiting: _Waiting | None = None
        self._has = False

    def take(self, seconds: float) -> bool:
        """Wait for the turn; False when it did not come in time."""
        file = self._opened()
        if self._waiting is None:
            if file.lock_at_once():
                self._has = True
                return True
            self._waiting = _Waiting(file)
        self._has = self._waiting.wait(seconds)
        if self._has:
            self._waiting = None
        return self._has

    def give(self) -> None:
        """Let the next one write. Does nothing for who does not have the turn."""
        if self._has and self._file is not None:
            self._has = False
            if self._file.is_ours():
                self._file.unlock()

    def _opened(self) -> _File:
        """A fork shares the lock of what its parent opened: it needs a file of its
        own.
        """
        if self._file is None or not self._file.is_ours():
            number = _open_beside(self.database)
            self._file, self._waiting, self._has = _File(number), None, False
        return self._file


def _open_beside(database: Path) -> int:
    """For all who may open the database, whoever came first: even root leaves it to
    the database's owner, as SQLite does with its log.
    """
    path = database.with_name(database.name + SUFFIX)
    how = os.O_RDWR | os.O_CLOEXEC
    with suppress(FileNotFoundError):
        return os.open(path, how)
    found = database.stat()
    mode = stat.S_IMODE(found.st_mode)
    number = os.open(path, how | os.O_CREAT, mode)
    with suppress(PermissionError):  # somebody else made it just now
        os.fchmod(number, mode)
        if os.geteuid() == 0:
            os.fchown(number, found.st_uid, found.st_gid)
    return number


class _File:
    """Closed when nobody knows it any more, with which its lock ends."""

    def __init__(self, number: int) -> None:
        self._number, self._process = number, os.getpid()

    def is_ours(self) -> bool:
        """False in a fork of the process that opened it."""
        return self._process == os.getpid()

    def lock_at_once(self) -> bool:
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def lock(self) -> None:
        fcntl.flock(self._number, fcntl.LOCK_EX)

    def unlock(self) -> None:
        fcntl.flock(self._number, fcntl.LOCK_UN)

    def __del__(self) -> None:
        os.close(self._number)


class _Waiting:
    """A thread that sleeps in the kernel's queue, where no clock can wake one. Who gave
    up waiting for it may come back; if it comes to its turn meanwhile, it passes.
    """

    def __init__(self, file: _File) -> None:
        self._file = file
        self._changed = threading.Condition()
        self._wanted, self._locked = True, False
        self._start()

    def wait(self, seconds: float) -> bool:
        with self._changed:
            self._wanted = True
            if self._passed:
                self._start()
            try:
                self._changed.wait_for(lambda: self._locked, seconds)
            except BaseException:  # who is interrupted will not give it
                if self._locked:
                    self._pass()
                raise
            finally:
                self._wanted = False
            return self._locked

    def _start(self) -> None:
        self._passed = False
        threading.Thread(target=self._sleep, name="turn", daemon=True).start()

    def _sleep(self) -> None:
        self._file.lock()
        with self._changed:
            if self._wanted:
                self._locked = True
                self._changed.notify()
            else:
                self._pass()

    def _pass(self) -> None:
        self._locked, self._passed = False, True
        self._file.unlock()
