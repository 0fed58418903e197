"""A backend whose runtime lives in a child: for models that nobody trusts yet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.backends.base import Backend
from inference_worker.engine.errors import (
    BackendError,
    BackendUnavailable,
    BackendUnknown,
    InferenceFailed,
    LoadFailed,
)
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.types import FloatArray
from inference_worker.untrusted import frames
from inference_worker.untrusted.answers import accepted, outputs_of
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import DEFAULT_PROBE, MEBIBYTE, ProbeLimits
from inference_worker.untrusted.sandbox import Bounds, Conversation

_KINDS: dict[str, type[BackendError]] = {
    kind.code: kind
    for kind in (BackendUnknown, BackendUnavailable, LoadFailed, InferenceFailed)
}
_LONGEST_MESSAGE = 500


class ConfinedBackend(Backend):
    """`backend` of the registry, within `limits`, until it is closed.

    Each call may take `limits.seconds`, or all together until `deadline` (of
    time.monotonic()) where one is given. What the backend itself refuses is raised as
    it would be here. ModelRefused (too_slow, out_of_memory, died, output_too_large)
    ends the child.
    """

    name = "confined"

    def __init__(
        self,
        backend: str,
        manifest: Manifest,
        model: bytes,
        *,
        precision: str | None = None,
        limits: ProbeLimits = DEFAULT_PROBE,
        deadline: float | None = None,
    ) -> None:
        super().__init__(manifest)
        self._seconds, self._deadline = limits.seconds, deadline
        request = {
            "backend": backend,
            "manifest": manifest.canonical().decode(),
            "precision": precision,
            "output_bytes": limits.output_bytes,
        }
        self._talk = Conversation("serve", _bounds(limits, len(model)))
        try:
            told = accepted(self._ask([frames.header(request), model]))[0]
        except BaseException:
            self.close()
            raise
        self.precision = str(told.get("precision"))[:_LONGEST_MESSAGE]

    def forward(self, pixels: NDArray[np.uint8]) -> FloatArray:
        feeds = {"pixels": pixels}
        request = frames.header({"feeds": frames.describe(feeds)})
        preds = outputs_of(self._ask([request, *frames.blobs(feeds)])).get("preds")
        if preds is None or preds.dtype != np.float32:
            raise ModelRefused(Reason.ANSWER_INVALID, "the process that ran it lied")
        return preds

    def close(self) -> None:
        self._talk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, parts: Sequence[bytes]) -> bytes:
        answer = self._talk.ask(
            parts, self._deadline or time.monotonic() + self._seconds
        )
        _raise(accepted(answer)[0].get("failed"))
        return answer


def _bounds(limits: ProbeLimits, size: int) -> Bounds:
    return Bounds(
        0.0,  # each question has its own
        limits.seconds,
        limits.memory_bytes + limits.memory_per_byte * size,
        limits.output_bytes + MEBIBYTE,
    )


def _raise(failed: Any) -> None:
    """The error that the backend raised over there, if it did."""
    match failed:
        case {"code": str(code), "message": str(message), "hint": str(hint)}:
            kind = _KINDS.get(code, LoadFailed)
            raise kind(message[:_LONGEST_MESSAGE], hint[:_LONGEST_MESSAGE])
