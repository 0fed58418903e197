"""What training minimises: soft classification and generalised IoU."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.training.assign import Assignment
from inference_worker.training.boxes import area, iou

_BOX_WEIGHT = 2.5


def detection_loss(
    logits: Tensor, boxes: Tensor, target: Assignment, known: Tensor
) -> Tensor:
    """One number for a batch, per unit of assigned score; see `Assignment`.

    `known` (N, classes): the score of a class that nobody looked for in an image
    counts only where the prediction answers for a box of another.
    """
    total = target.weights.sum().clamp(min=1.0)
    asked = known[:, None] | (target.weights > 0)[..., None]
    classes = functional.binary_cross_entropy_with_logits(
        logits, target.scores.to(logits.dtype), asked.to(logits.dtype), reduction="sum"
    )
    misfit = 1.0 - generalised_iou(boxes, target.boxes)
    return (classes + _BOX_WEIGHT * (misfit * target.weights).sum()) / total


def generalised_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU less the empty share of the smallest box around both, in -1..1."""
    low = torch.minimum(first[..., :2], second[..., :2])
    high = torch.maximum(first[..., 2:], second[..., 2:])
    hull = area(torch.cat([low, high], -1)) + 1e-7
    overlap = iou(first, second)
    union = (area(first) + area(second)) / (1.0 + overlap)
    return overlap - (hull - union) / hull
