"""What is done to a foreign graph as a whole: in a child, bounded, and looked into."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from inference_worker.engine.notes import INPUT_NOTE
from inference_worker.importing.errors import ImportRefused, doing
from inference_worker.importing.family import Family, Trial
from inference_worker.importing.layout import Layout
from inference_worker.untrusted import frames
from inference_worker.untrusted.answers import accepted
from inference_worker.untrusted.inspection import inspect_bytes
from inference_worker.untrusted.limits import DEFAULT, GROWN, MEBIBYTE
from inference_worker.untrusted.sandbox import Bounds, ask

_MEMORY, _MEMORY_PER_BYTE = 1024 * MEBIBYTE, 8
_MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """How a graph becomes ours: `kept` are the scores that are classes, `notes` what
    the new file says of itself beside its layout.
    """

    family: Family
    trial: Trial
    kept: Sequence[int]
    notes: Mapping[str, str]


def upgraded(model: bytes, opset: int, seconds: float) -> bytes:
    """The same in that opset. Raises ImportRefused, ModelRefused."""
    with doing(f"bringing it to opset {opset}"):
        return _asked("upgrade", {"opset": opset}, [model], len(model), seconds)


def built(model: bytes, plan: Plan, layout: Layout, seconds: float) -> bytes:
    """The model with its decoding built in: as sound as what `inspect` lets through.

    Raises ImportRefused when the two do not make a sound graph, and ModelRefused.
    """
    trial = plan.trial
    request = {
        "model": len(model),
        "signature": trial.signature.as_json(),
        "outputs": frames.describe(trial.outputs),
        "canvas": trial.canvas,
        "family": plan.family.key,
        "kept": list(plan.kept),
        "layout": layout.noted(),
        "notes": {**plan.notes, INPUT_NOTE: json.dumps(layout.noted())},
    }
    parts = [model, *frames.blobs(trial.outputs)]
    with doing("building its decoding in"):
        made = _asked("build", request, parts, sum(map(len, parts)), seconds)
        return inspect_bytes(made, replace(GROWN, seconds=seconds)).model


def _asked(
    task: str,
    request: Mapping[str, object],
    parts: Sequence[bytes],
    size: int,
    seconds: float,
) -> bytes:
    bounds = Bounds(
        time.monotonic() + seconds,
        seconds,
        _MEMORY + _MEMORY_PER_BYTE * size,
        DEFAULT.file_bytes + 16 * MEBIBYTE,
    )
    told, rest = accepted(ask(task, [frames.header(request), *parts], bounds))
    if "impossible" in told:
        raise ImportRefused(str(told["impossible"])[:_MOST_SHOWN])
    return bytes(rest)
