"""Non-maximum suppression on the CPU: the reference for every other one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.boxes import Boxes, areas
from inference_worker.engine.types import FloatArray, IndexArray

BoolArray = NDArray[np.bool_]


_BLOCK = 128
"""Boxes compared with each other at once: few calls for the usual dozens, and memory
that grows with the boxes only.
"""


def nms(
    boxes_xyxy: FloatArray, scores: FloatArray, class_ids: IndexArray, iou: float
) -> IndexArray:
    """Indices of the boxes kept, best score first.

    A box goes when a better one of its own class overlaps it by more than `iou`.
    Equal scores keep the order given, so the same input always gives the same
    output. Time grows with kept times given boxes, memory with the boxes only.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = _Ranked(np.asarray(boxes_xyxy, np.float64)[order], class_ids[order], iou)
    alive = np.ones(len(order), np.bool_)
    for start in range(0, len(order), _BLOCK):
        end = start + _BLOCK
        block = start + np.flatnonzero(alive[start:end])
        stays = _greedy(ranked.overlap(block, block))
        alive[block] = stays
        later = end + np.flatnonzero(alive[end:])
        if len(later):
            alive[later] = ~ranked.overlap(block[stays], later).any(0)
    return order[alive]


class _Ranked:
    """Boxes best first, compared by their places."""

    def __init__(self, boxes: Boxes, classes: IndexArray, iou: float) -> None:
        self._corners = boxes.T
        self._areas = areas(boxes)
        self._classes, self._iou = classes, iou

    def overlap(self, some: IndexArray, others: IndexArray) -> BoolArray:
        """(some, others): of one class, and sharing more than they may."""
        left, top, right, bottom = self._corners[:, some, None]
        far_left, far_top, far_right, far_bottom = self._corners[:, None, others]
        width = np.minimum(right, far_right) - np.maximum(left, far_left)
        height = np.minimum(bottom, far_bottom) - np.maximum(top, far_top)
        shared = width.clip(0.0) * height.clip(0.0)
        both = self._areas[others] + self._areas[some, None] - shared
        same = self._classes[some, None] == self._classes[others]
        return np.asarray(same & (shared > self._iou * both))


def _greedy(overlap: BoolArray) -> BoolArray:
    """Which of boxes stay, best first, when those that stay push others out."""
    stays = np.zeros(len(overlap), np.bool_)
    pushed = 0  # a bit for each box: Python's integers are quicker than short arrays
    for place, row in enumerate(np.packbits(overlap, 1, "little")):
        if not pushed >> place & 1:
            stays[place] = True
            pushed |= int.from_bytes(row.tobytes(), "little")
    return stays
