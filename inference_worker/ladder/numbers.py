"""Is what a backend saw on the golden picture what the CPU saw in f32?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.boxes import pairwise_iou
from inference_worker.engine.types import Detections
from inference_worker.ladder.errors import WrongNumbers

FLOOR = 0.05
"""Score down to which boxes are asked for: more to compare than a line would see."""

MOST = 30
"""Of each side's best boxes partners are looked for."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Partners overlap by `iou` and differ by `score` at most; `share` have one."""

    iou: float
    score: float
    share: float


_HALF = Tolerance(iou=0.85, score=0.1, share=0.9)
_TOLERANCES = {
    "f32": Tolerance(iou=0.9, score=0.05, share=1.0),
    "bf16": _HALF,
    "f16": _HALF,
    "int8": Tolerance(iou=0.7, score=0.3, share=0.8),
}
"""Several times what was seen: docs/ladder.md has the figures."""

CLEAR = FLOOR + max(one.score for one in _TOLERANCES.values())
"""A score that no allowed difference brings below the floor."""


def tolerance_of(precision: str) -> Tolerance:
    """Of a mixed or unknown precision: what the coarsest is allowed."""
    return _TOLERANCES.get(precision, _TOLERANCES["int8"])


def check(expected: Detections, found: Detections, precision: str) -> None:
    """Raises WrongNumbers unless both sides' clear boxes are partners."""
    allowed = tolerance_of(precision)
    for name, one, other in (
        ("of the expected", expected, found),
        ("of what it found", found, expected),
    ):
        clear = _clear(one, allowed)
        partners = int(_have_partner(clear, other, allowed).sum())
        if partners < allowed.share * len(clear):
            raise WrongNumbers(
                f"in {precision} {partners} {name} {len(clear)} boxes on the golden"
                f" picture agree, {allowed.share:.0%} must"
            )


def _clear(boxes: Detections, allowed: Tolerance) -> Detections:
    """Those whose partner cannot have sunk below the floor, the best first."""
    sure = boxes.take(boxes.scores >= FLOOR + allowed.score)
    return sure.take(np.argsort(-sure.scores, kind="stable")[:MOST])


def _have_partner(
    boxes: Detections, others: Detections, allowed: Tolerance
) -> NDArray[np.bool_]:
    """(len(boxes),) whether one of the others is the same thing."""
    near = pairwise_iou(boxes.boxes, others.boxes) >= allowed.iou
    alike = boxes.class_ids[:, None] == others.class_ids[None]
    apart = np.abs(boxes.scores[:, None] - others.scores[None])
    together = near & alike & (apart <= allowed.score)
    return np.asarray(together.any(axis=1), np.bool_)
