"""Who was tried before is tried alone, so that only the guilty is blamed.

When a worker dies, everything it held has one attempt less. If the poisonous image
were tried again together with the innocent ones, all would be quarantined after the
third death.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Lane:
    """Shared by any number, or held by one alone; who wants it alone goes first."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing = 0
        self._suspects = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._suspects)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._suspects += 1
            self._changed.wait_for(lambda: not self._sharing and not self._alone)
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._suspects -= 1
                self._alone = False
                self._changed.notify_all()
