"""The one OpenVINO of a process."""

from __future__ import annotations

import threading
from typing import Any

from inference_worker.engine.errors import BackendUnavailable
from inference_worker.engine.visible import lines_of

_making = threading.Lock()
_made: list[Any] = []


def core() -> Any:
    """Made once and kept; any thread may use it. Raises BackendUnavailable, and what
    OpenVINO raises.

    Its plug-in for the CPU gives the thread that first compiles a network a stack for
    signals (Linux; a frame of AMX needs more than is usual), and unmaps it when the
    last core goes, on whatever thread that happens. The first thread is the one that
    is told to stop: without that stack SIGTERM would end it by SIGSEGV, with all that
    it has in hand.
    """
    openvino = runtime()
    with _making:
        if not _made:
            _made.append(openvino.Core())
        return _made[0]


def runtime() -> Any:
    """The package. Raises BackendUnavailable."""
    try:
        import openvino
    except ImportError as error:
        raise BackendUnavailable(
            "OpenVINO is not installed", "pip install -r requirements.txt"
        ) from error
    return openvino


def said(error: Exception) -> str:
    """OpenVINO's messages are traces of its own source; the last line names the
    matter.
    """
    return lines_of(error)[-1]
