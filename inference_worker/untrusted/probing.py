"""Run an inspected model once, where it can do no harm."""

from __future__ import annotations

import time
from typing import Any

from numpy.typing import NDArray

from inference_worker.untrusted import frames
from inference_worker.untrusted.answers import outputs_of
from inference_worker.untrusted.limits import DEFAULT_PROBE, MEBIBYTE, ProbeLimits
from inference_worker.untrusted.sandbox import Bounds, ask


def probe(
    model: bytes, feeds: frames.Arrays, limits: ProbeLimits = DEFAULT_PROBE
) -> dict[str, NDArray[Any]]:
    """The outputs by name (read-only) for these inputs, on ONNX Runtime's CPU.

    `model` are the bytes of an Inspection. What a runtime folds and allocates comes
    out of the child's bounds. Raises ModelRefused (run_failed, output_too_large,
    too_slow, out_of_memory, died) and SandboxUnavailable.
    """
    request = {
        "model": len(model),
        "feeds": frames.describe(feeds),
        "output_bytes": limits.output_bytes,
    }
    bounds = Bounds(
        time.monotonic() + limits.seconds,
        limits.seconds,
        limits.memory_bytes + limits.memory_per_byte * len(model),
        limits.output_bytes + MEBIBYTE,
    )
    parts = [frames.header(request), model, *frames.blobs(feeds)]
    return outputs_of(ask("probe", parts, bounds))
