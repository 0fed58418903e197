"""Look into a stranger's ONNX file without opening it in this process."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from inference_worker.untrusted import frames
from inference_worker.untrusted.answers import Inspection, facts_of
from inference_worker.untrusted.errors import ModelRefused
from inference_worker.untrusted.limits import DEFAULT, Limits
from inference_worker.untrusted.reading import read_plain
from inference_worker.untrusted.sandbox import Bounds, ask


def inspect(path: Path, limits: Limits = DEFAULT) -> Inspection:
    """The file's bytes and facts, when it breaks no rule of docs/untrusted-models.md.

    This process reads the bytes and parses nothing: its memory grows by the file. A
    refusal comes within `limits.seconds` of reading.

    Raises ModelRefused, with a reason, and SandboxUnavailable where there is no Linux.
    """
    deadline = time.monotonic() + limits.seconds
    model = read_plain(path, limits.file_bytes)
    try:
        return inspect_bytes(model, limits, deadline)
    except ModelRefused as refused:
        text = f"{path}: {refused.told}"
        raise ModelRefused(refused.reason, text, refused.hint) from refused


def inspect_bytes(
    model: bytes, limits: Limits = DEFAULT, deadline: float | None = None
) -> Inspection:
    """The same for what was read already; `deadline` is of time.monotonic()."""
    bounds = Bounds(
        deadline or time.monotonic() + limits.seconds,
        limits.seconds,
        limits.memory_bytes + limits.memory_per_byte * len(model),
        limits.answer_bytes,
    )
    request = frames.header(dataclasses.asdict(limits))
    return facts_of(ask("inspect", [request, model], bounds), model)
