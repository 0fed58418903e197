"""Keeps a model open on one of our backends, in the child; see confined.py."""

from __future__ import annotations

import os
from typing import Any

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.errors import BackendError
from inference_worker.engine.manifest import Manifest
from inference_worker.untrusted import frames
from inference_worker.untrusted.limits import THREADS
from inference_worker.untrusted.running import bounded, is_shortage


class Server:
    """Opens a model at the first request and runs it at each that follows.

    What a backend refuses is answered as `failed`; only lack of memory ends it.
    """

    def __init__(self) -> None:
        self._backend: Backend | None = None
        self._most = 0

    def __call__(self, request: dict[str, Any], payload: memoryview) -> list[bytes]:
        try:
            if self._backend is None:
                return self._open(request, bytes(payload))
            (pixels,) = frames.arrays_of(request["feeds"], payload).values()
            found = {"preds": self._backend.forward(pixels)}
        except BackendError as error:
            if is_shortage(str(error)):
                raise MemoryError from error
            failed = {"code": error.code, "message": str(error), "hint": error.hint}
            return [frames.header({"failed": failed})]
        return frames.outputs(bounded(found, self._most))

    def _open(self, request: dict[str, Any], model: bytes) -> list[bytes]:
        self._most = request["output_bytes"]
        self._backend = open_backend(
            request["backend"],
            Manifest.parse(request["manifest"].encode()),
            model,
            threads=min(THREADS, len(os.sched_getaffinity(0))),
            precision=request["precision"],
        )
        return [frames.header({"precision": self._backend.precision})]
