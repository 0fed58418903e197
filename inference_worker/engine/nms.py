"""Non-maximum suppression on the CPU: the reference for every other one."""

from __future__ import annotations

import numpy as np

from inference_worker.engine.boxes import pairwise_iou
from inference_worker.engine.types import FloatArray, IndexArray


def nms(
    boxes_xyxy: FloatArray, scores: FloatArray, class_ids: IndexArray, iou: float
) -> IndexArray:
    """Indices of the boxes kept, best score first.

    A box goes when a better one of its own class overlaps it by more than `iou`.
    Equal scores keep the order given, so the same input always gives the same
    output. Costs one row of overlaps for each box kept.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(waiting):
        best, rest = waiting[0], waiting[1:]
        kept.append(int(best))
        rivals = class_ids[rest] == class_ids[best]
        overlaps = pairwise_iou(boxes_xyxy[best : best + 1], boxes_xyxy[rest])[0]
        waiting = rest[~(rivals & (overlaps > iou))]
    return np.asarray(kept, np.int64)
