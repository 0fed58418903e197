"""The caller's memory is closed to processes of the same user while a child lives."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock

from inference_worker.untrusted import kernel
from inference_worker.untrusted.kernel import prctl


class _Closed:
    """Counts the children; what was set before the first is set after the last."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._children = 0
        self._before = 1

    def begin(self) -> None:
        with self._lock, suppress(OSError):
            if self._children == 0:
                self._before = prctl(kernel.PR_GET_DUMPABLE)
                prctl(kernel.PR_SET_DUMPABLE, 0)
            self._children += 1

    def end(self) -> None:
        with self._lock, suppress(OSError):
            self._children -= 1
            # What only root may dump (2) cannot be set again: it stays closed.
            if self._children == 0 and self._before == 1:
                prctl(kernel.PR_SET_DUMPABLE, 1)


CLOSED = _Closed()
