"""Who writes next: a queue for processes and threads that share a SQLite file.

SQLite has none. Who finds it locked sleeps, longer each time, and tries again: eight
who write without a pause wait seconds at times, while it lies idle between two sleeps.
The kernel serves those who wait for the lock of a file in the order in which they came,
and takes it from a process that ends.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path


class Turn:
    """A connection's place in the queue at `path`. One thread at a time may call."""

    def __init__(self, path: Path) -> None:
        self._path = path
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
            self._file.unlock()

    def _opened(self) -> _File:
        """A fork shares the lock of what its parent opened: it needs a file of its
        own.
        """
        if self._file is None or self._file.process != os.getpid():
            self._file, self._waiting, self._has = _File(self._path), None, False
        return self._file


class _File:
    """Opened, and closed when nobody knows it any more, with which its lock ends."""

    def __init__(self, path: Path) -> None:
        self.process = os.getpid()
        self._number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

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
            self._changed.wait_for(lambda: self._locked, seconds)
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
                self._passed = True
                self._file.unlock()
