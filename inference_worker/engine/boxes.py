"""Arithmetic on boxes given as left, top, right, bottom."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating[Any]]
Overlaps = NDArray[np.float64]


def areas(boxes: Boxes) -> Overlaps:
    """(n,) in square pixels; a box turned inside out has none."""
    sides = np.maximum(boxes[:, 2:].astype(np.float64) - boxes[:, :2], 0.0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float64)


def pairwise_iou(first: Boxes, second: Boxes) -> Overlaps:
    """(len(first), len(second)) intersection over union in 0..1.

    Two boxes without area overlap by 0, not by 0/0.
    """
    a, b = first.astype(np.float64)[:, None], second.astype(np.float64)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.prod(np.maximum(sides, 0.0), axis=-1)
    union = areas(first)[:, None] + areas(second)[None] - shared
    overlap: Overlaps = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return overlap
