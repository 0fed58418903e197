"""The graph that an engine is made of: a strongly typed engine computes as it says."""

from __future__ import annotations

from inference_worker.engine.backends.fixed_shape import Network
from inference_worker.engine.errors import LoadFailed
from inference_worker.engine.precision import INT8
from inference_worker.engine.store import INT8_MODEL, MODEL, Version

HALF, SINGLE = "f16", "f32"
PRECISIONS = (INT8, HALF, SINGLE)


def network_for(version: Version, precision: str) -> bytes:
    """Of an opened version, its files checked against their pins.

    `int8` is its quantised file, and what that leaves in float is in float16, as with
    `f16`: so both take planes of float16. Boxes and scores are float32 always. Raises
    EngineMissing for a version without int8, LoadFailed for what cannot be converted.
    """
    if precision not in PRECISIONS:
        raise LoadFailed(
            f"no engine computes in {precision}",
            f"Choose one of: {', '.join(PRECISIONS)}.",
        )
    content = version.read(INT8_MODEL if precision == INT8 else MODEL)
    return Network.of(content, half=precision != SINGLE).dynamic()
