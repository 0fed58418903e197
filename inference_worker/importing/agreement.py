"""Whether two runs of one network tell of the same boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference_worker.engine.boxes import Overlaps, pairwise_iou
from inference_worker.engine.heads import decode_ours
from inference_worker.engine.nms import nms
from inference_worker.engine.postprocess import MAX_CANDIDATES, MAX_DETECTIONS
from inference_worker.engine.types import Detections, FloatArray

LEAST_IOU, MOST_APART = 0.99, 0.01
"""What two runs may differ by and be called the same."""

_FLOOR = 0.05
_MOST = 100
_SAME_PIXELS = 0.02
_SAME_PLACE = 0.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """Over all pictures: how many `boxes` were compared, the lowest IoU that one's best
    partner reaches, and the most that their scores are apart.

    A partner is of the same class. Without any it is IoU 0 and the whole score.
    """

    boxes: int
    least_iou: float
    most_apart: float

    @property
    def good(self) -> bool:
        return self.least_iou >= LEAST_IOU and self.most_apart <= MOST_APART

    @property
    def tells(self) -> bool:
        """Whether there was anything to compare."""
        return self.boxes > 0

    def __str__(self) -> str:
        if not self.tells:
            return "nothing is found on drawn pictures, so nothing could be compared"
        return (
            f"of {self.boxes} boxes on drawn pictures the lowest IoU is"
            f" {self.least_iou:.3f}, scores are up to {self.most_apart:.3f} apart"
        )


def agreement(first: Sequence[FloatArray], second: Sequence[FloatArray]) -> Agreement:
    """Of `preds` (1, A, 4 + classes), picture by picture, in both directions.

    Compared are guesses from score 0.05 on, the 100 best of a picture; where both
    runs give less, those within half of the best.
    """
    ious: list[FloatArray] = [np.ones(0, np.float32)]
    gaps: list[FloatArray] = [np.zeros(0, np.float32)]
    for one, other in zip(first, second, strict=True):
        for wanted, given in ((one[0], other[0]), (other[0], one[0])):
            floor = min(_FLOOR, _highest(one, other) / 2)
            if floor > 0:
                found = _best_of(decode_ours(wanted, floor, True), _MOST)
                overlap, apart = _partners(found, decode_ours(given, floor / 2, True))
                ious.append(overlap)
                gaps.append(apart)
    every = np.concatenate(ious)
    return Agreement(
        len(every),
        float(every.min(initial=1.0)),
        float(np.concatenate(gaps).max(initial=0.0)),
    )


def lost(
    first: Sequence[FloatArray],
    second: Sequence[FloatArray],
    threshold: float,
    nms_iou: float,
) -> tuple[int, int]:
    """How many boxes `first` finds, and how many of them `second` does not: none of the
    class and half the score covers half of it.
    """
    count = missing = 0
    for one, other in zip(first, second, strict=True):
        found = _best_of(decode_ours(one[0], threshold), MAX_CANDIDATES)
        kept = nms(found.boxes, found.scores, found.class_ids, nms_iou)
        found = found.take(kept[:MAX_DETECTIONS])
        overlap, _ = _partners(found, decode_ours(other[0], threshold / 2, True))
        count += len(found)
        missing += int((overlap < _SAME_PLACE).sum())
    return count, missing


def _highest(*runs: FloatArray) -> float:
    return max(float(one[..., 4:].max(initial=0.0)) for one in runs)


def _best_of(found: Detections, count: int) -> Detections:
    return found.take(np.argsort(-found.scores, kind="stable")[:count])


def _partners(wanted: Detections, given: Detections) -> tuple[FloatArray, FloatArray]:
    """Of each wanted the best IoU with a given box of its class, and how far the scores
    are apart there.
    """
    overlaps, gaps = np.zeros(len(wanted), np.float32), wanted.scores.copy()
    for kind in np.unique(wanted.class_ids):
        some = given.take(given.class_ids == kind)
        for row in np.flatnonzero(wanted.class_ids == kind) if len(some) else ():
            overlap = _overlaps(wanted.boxes[row], some.boxes)
            apart = np.abs(some.scores - wanted.scores[row])
            # Of several that overlap alike, the one of the nearest score.
            at = int((overlap - 1e-3 * apart).argmax())
            if overlap[at] > 0:
                overlaps[row], gaps[row] = overlap[at], apart[at]
    return overlaps, gaps


def _overlaps(box: FloatArray, others: FloatArray) -> Overlaps:
    """IoU; 1 where all sides lie together, however thin the box is."""
    overlap: Overlaps = pairwise_iou(box[None], others)[0]
    overlap[np.abs(others - box).max(axis=1) <= _SAME_PIXELS] = 1.0
    return overlap
