"""The one OpenVINO of a process."""

from __future__ import annotations

import threading
from typing import Any

from inference_worker.engine.errors import BackendUnavailable

_making = threading.Lock()
_made: list[Any] = []


def core() -> Any:
    """Made once and kept; any thread may use it. Raises BackendUnavailable.

    Its plug-in for the CPU gives the thread that first compiles a network a stack for
    signals (Linux; a frame of AMX needs more than is usual), and unmaps it when the
    last core goes, on whatever thread that happens. The first thread is the one that
    is told to stop: without that stack SIGTERM would end it by SIGSEGV, with all that
    it has in hand.
    """
    with _making:
        if not _made:
            _made.append(_runtime().Core())
        return _made[0]


def _runtime() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise BackendUnavailable(
            "OpenVINO is not installed", "pip install -r requirements.txt"
        ) from error
    return openvino
