"""What a report shows of a detector: curves, confusions, scores, the worst images.

Everything here takes what a line sees: each place's best class only, down to a low
score. Only `precision_recall` takes all guesses, as average precision does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.boxes import areas, pairwise_iou
from inference_worker.engine.metrics import IOUS, Matched
from inference_worker.engine.types import Detections, IndexArray

Floats = NDArray[np.float64]

NEAR = float(IOUS[0])
"""The IoU from which a find is a hit wherever one IoU has to do."""

THRESHOLDS = np.arange(1, 100) / 100
_MOST_POINTS = 300


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """Precision against recall, best score first; all (n,), all fractions."""

    recall: Floats
    precision: Floats
    score: Floats


@dataclass(frozen=True, eq=False, slots=True)
class Verdict:
    """One image at a threshold: what was drawn, what was found, and which is which.

    `drawn_of` (finds,) is the place in `truth` of what a find lies on, or -1: first its
    own class's box, else a free one of another class.
    """

    truth: Detections
    found: Detections
    drawn_of: IndexArray

    @property
    def hits(self) -> NDArray[np.bool_]:
        """(finds,) true where the class is right too."""
        hits = self.drawn_of >= 0
        labels = self.truth.class_ids[self.drawn_of[hits]]
        hits[hits] = labels == self.found.class_ids[hits]
        return hits

    @property
    def missed(self) -> IndexArray:
        """Places in `truth` of what was not found under its own name."""
        named = self.drawn_of[self.hits]
        return np.setdiff1d(np.arange(len(self.truth)), named)


def precision_recall(matched: Matched, iou: float) -> Curve:
    """One class's curve at one of IOUS, at most a few hundred points of it."""
    level = int(np.argmin(np.abs(IOUS - iou)))
    order = np.argsort(-matched.scores, kind="stable")
    true = np.cumsum(matched.hits[level, order], dtype=np.float64)
    precision = true / np.arange(1, len(order) + 1)
    recall = true / max(matched.drawn, 1)
    some = np.unique(np.linspace(0, len(order) - 1, _MOST_POINTS).astype(int))
    some = some[: len(order)]
    scores = matched.scores[order].astype(np.float64)
    return Curve(recall[some], precision[some], scores[some])


def f_of_thresholds(matched: Sequence[Matched]) -> Floats:
    """(len(THRESHOLDS),) F of these classes together, at IoU 0.33; 0 without a box."""
    scores = np.concatenate([one.scores for one in matched])
    hits = np.concatenate([one.hits[0] for one in matched])
    sure = scores[None] >= THRESHOLDS[:, None].astype(np.float32)
    boxes = sure.sum(axis=1) + sum(one.drawn for one in matched)
    true = (sure & hits).sum(axis=1)
    return np.asarray(2.0 * true / np.maximum(boxes, 1), np.float64)


def verdict(truth: Detections, seen: Detections, threshold: float) -> Verdict:
    """Finds of at least the threshold, best first, set against what was drawn."""
    found = seen.take(seen.scores >= threshold)
    found = found.take(np.argsort(-found.scores, kind="stable"))
    overlaps = pairwise_iou(found.boxes, truth.boxes)
    same = found.class_ids[:, None] == truth.class_ids
    drawn_of = np.full(len(found), -1, np.int64)
    for allowed in (same, ~same):
        _pair(np.where(allowed, overlaps, -1.0), drawn_of)
    return Verdict(truth, found, drawn_of)


def _pair(overlaps: Floats, drawn_of: IndexArray) -> None:
    """Give each find that has none the free box it overlaps most, in place."""
    if not overlaps.shape[1]:
        return
    for i in np.flatnonzero(drawn_of < 0):
        reach = overlaps[i].copy()
        reach[drawn_of[drawn_of >= 0]] = -1.0
        # The last of equals, as the metrics have it.
        best = len(reach) - 1 - int(np.argmax(reach[::-1]))
        if reach[best] >= NEAR:
            drawn_of[i] = best


def confusion(verdicts: Sequence[Verdict], classes: int) -> IndexArray:
    """(classes + 1, classes + 1) counts: rows drawn, columns found.

    The last row holds finds where nothing was drawn, the last column what was drawn
    and not found; the last corner stays 0.
    """
    counts = np.zeros((classes + 1, classes + 1), np.int64)
    for one in verdicts:
        # Place -1 is the class beyond the last: nothing.
        labels = np.append(one.truth.class_ids, classes)
        np.add.at(counts, (labels[one.drawn_of], one.found.class_ids), 1)
        lost = np.setdiff1d(np.arange(len(one.truth)), one.drawn_of)
        np.add.at(counts[:, classes], one.truth.class_ids[lost], 1)
    return counts


def scores_of_hits(matched: Sequence[Matched]) -> tuple[Floats, Floats]:
    """Scores of the hits and of the false alarms of these classes, at IoU 0.33."""
    scores = np.concatenate([one.scores for one in matched]).astype(np.float64)
    hits = np.concatenate([one.hits[0] for one in matched])
    return scores[hits], scores[~hits]


def worst(verdicts: Sequence[Verdict], most: int) -> list[int]:
    """Places of the images with the gravest mistakes, at most `most`, worst first.

    A false alarm weighs its score; a miss a half, and up to another half the larger it
    is beside the other boxes of the set.
    """
    sides = [np.sqrt(areas(one.truth.boxes)) for one in verdicts]
    every = np.concatenate([np.zeros(0), *sides])
    large = max(float(np.quantile(every, 0.95)), 1.0) if len(every) else 1.0
    weights = np.array(
        [
            float(one.found.scores[~one.hits].sum())
            + float((0.5 + 0.5 * np.minimum(side[one.missed] / large, 1.0)).sum())
            for one, side in zip(verdicts, sides, strict=True)
        ]
    )
    order = np.argsort(-weights, kind="stable")[:most]
    return [int(i) for i in order if weights[i] > 0]
