"""TensorRT answers None or False, and says why only in its log: this keeps the why."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from inference_worker.engine.errors import LoadFailed
from inference_worker.engine.tensorrt.library import trt

_MOST = 100
_MOST_SAID = 8
_LEVELS = {
    trt.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
    trt.ILogger.Severity.ERROR: logging.ERROR,
    trt.ILogger.Severity.WARNING: logging.WARNING,
}

log = logging.getLogger(__name__)


class Listener:
    """What TensorRT says. `logger` and `recorder` are given to its objects, which must
    not outlive it; any thread may speak.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: list[str] = []
        self.logger = _Logger(self)
        self.recorder = _Recorder(self)

    def hear(self, level: int, message: str) -> None:
        """Errors are kept for whoever fails, the rest goes to our own log."""
        if level < logging.ERROR:
            log.log(level, "TensorRT: %s", message)
            return
        with self._lock:
            if message not in self._errors and len(self._errors) < _MOST:
                self._errors.append(message)

    def why(self) -> list[str]:
        """The errors since the last time, the first of them."""
        with self._lock:
            said, self._errors = self._errors, []
        return said[:_MOST_SAID]

    def load_failed(self, what: str, hint: str = "") -> LoadFailed:
        """The error for something that TensorRT would not do, with its reasons."""
        return LoadFailed(f"TensorRT: {what}", hint, self.why())

    @contextmanager
    def making(self, what: str) -> Iterator[None]:
        """Its constructors and setters raise where its methods answer nothing."""
        try:
            yield
        except (TypeError, RuntimeError) as error:
            raise self.load_failed(f"{what}: {error}") from error


class _Logger(trt.ILogger):  # type: ignore[misc]
    def __init__(self, listener: Listener) -> None:
        trt.ILogger.__init__(self)
        self._listener = listener

    def log(self, severity: Any, msg: str) -> None:
        level = _LEVELS.get(severity, logging.DEBUG)
        self._listener.hear(level, msg.strip())


class _Recorder(trt.IErrorRecorder):  # type: ignore[misc]
    """What an engine or a context meets while it runs. Clearing it forgets nothing that
    a failure is still to name.
    """

    def __init__(self, listener: Listener) -> None:
        trt.IErrorRecorder.__init__(self)
        self._listener = listener
        self._lock = threading.Lock()
        self._errors: list[tuple[Any, str]] = []

    def report_error(self, code: Any, description: str) -> bool:
        with self._lock:
            if len(self._errors) < _MOST:
                self._errors.append((code, description))
        self._listener.hear(logging.ERROR, f"{code.name}: {description}")
        return False  # not fatal: the answer says whether the call failed

    def num_errors(self) -> int:
        return len(self._errors)

    def get_error_code(self, index: int) -> Any:
        return self._errors[index][0]

    def get_error_desc(self, index: int) -> str:
        return self._errors[index][1]

    def has_overflowed(self) -> bool:
        return len(self._errors) >= _MOST

    def clear(self) -> None:
        with self._lock:
            self._errors.clear()
