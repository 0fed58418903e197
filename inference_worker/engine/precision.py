"""In what numbers a model is computed, where somebody says so."""

from __future__ import annotations

import os

from inference_worker.engine.errors import PrecisionUnknown

INT8 = "int8"
FLOATS = ("f32", "bf16", "f16")
PRECISIONS = (INT8, *FLOATS)

HINT = "INFERENCE_PRECISION_HINT"
"""In the environment: for a whole process, wherever nothing is given."""


def hinted() -> str | None:
    """What HINT says, one of FLOATS. Raises PrecisionUnknown for anything else."""
    asked = os.environ.get(HINT)
    if not asked:
        return None
    if asked in FLOATS:
        return asked
    known = ", ".join(FLOATS)
    raise PrecisionUnknown(
        f"{HINT} is {asked!r}; it can be {known}",
        f"Unset it: a version that has int8 runs in int8 then. Or set it to {known}.",
    )


def check_precision(asked: str | None) -> None:
    """Raises PrecisionUnknown for what is neither None nor one of PRECISIONS."""
    if asked is not None and asked not in PRECISIONS:
        raise PrecisionUnknown(
            f"there is no precision {asked!r}",
            f"Choose one of: {', '.join(PRECISIONS)}, or none.",
        )
