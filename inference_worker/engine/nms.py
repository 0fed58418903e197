"""Non-maximum suppression on the CPU: the reference for every other one."""

from __future__ import annotations

import numpy as np

from inference_worker.engine.boxes import Boxes, areas
from inference_worker.engine.types import FloatArray, IndexArray


def nms(
    boxes_xyxy: FloatArray, scores: FloatArray, class_ids: IndexArray, iou: float
) -> IndexArray:
    """Indices of the boxes kept, best score first.

    A box goes when a better one of its own class overlaps it by more than `iou`.
    Equal scores keep the order given, so the same input always gives the same
    output. Time grows with kept times given boxes, memory with the boxes only.
    """
    order = np.argsort(-scores, kind="stable")
    kept = np.zeros(len(order), np.bool_)
    for class_id in np.unique(class_ids):
        ranks = np.flatnonzero(class_ids[order] == class_id)
        kept[ranks[_greedy(boxes_xyxy[order[ranks]], iou)]] = True
    return order[kept]


def _greedy(boxes: Boxes, iou: float) -> list[int]:
    """Of one class's boxes, best first, the places of those that stay."""
    left, top, right, bottom = np.asarray(boxes, np.float64).T
    area = areas(boxes)
    waiting = np.arange(len(boxes))
    kept: list[int] = []
    while len(waiting):
        best, rest = waiting[0], waiting[1:]
        kept.append(int(best))
        width = np.minimum(right[rest], right[best]) - np.maximum(
            left[rest], left[best]
        )
        height = np.minimum(bottom[rest], bottom[best]) - np.maximum(
            top[rest], top[best]
        )
        shared = width.clip(0.0) * height.clip(0.0)
        waiting = rest[shared <= iou * (area[rest] + area[best] - shared)]
    return kept
