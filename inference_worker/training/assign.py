"""Which prediction answers for which drawn box: task-aligned assignment."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inference_worker.training.boxes import Targets, iou

_CANDIDATES = 10
_SCORE_POWER = 0.5
_OVERLAP_POWER = 6.0
_LEAST = 1e-30  # far below what a first guess at the smallest box is worth
_REACH = 0.55  # of the finest stride: any place lies this near to a cell's centre


@dataclass(frozen=True)
class Assignment:
    """Targets of a batch: `scores` (N, A, classes) in 0..1, `boxes` (N, A, 4).

    `weights` (N, A) is the best entry of `scores`, 0 where a prediction
    answers for nothing.
    """

    scores: Tensor
    boxes: Tensor
    weights: Tensor


def assign(
    scores: Tensor, boxes: Tensor, points: Tensor, targets: Targets
) -> Assignment:
    """Match predictions (N, A) to the drawn boxes.

    1. A box may be answered by predictions whose cell lies inside it.
    2. Each box takes the best few by score and overlap together.
    3. A prediction wanted by several boxes goes to the one it overlaps most.
    4. The target score of a box's best prediction is its overlap, the others less.
    """
    drawn, labels = targets.boxes, targets.labels
    present = labels >= 0
    overlaps = iou(drawn[:, :, None], boxes[:, None])  # (N, M, A)
    inside = _inside(points, drawn) & present[:, :, None]
    wanted = labels.clamp(min=0)[:, :, None].expand(-1, -1, scores.shape[1])
    by_class = scores.transpose(1, 2).gather(1, wanted)
    metric = by_class**_SCORE_POWER * overlaps**_OVERLAP_POWER * inside
    chosen = _top(metric) & inside
    rivals = torch.where(chosen, overlaps, torch.full_like(overlaps, -1.0))
    owner = rivals.argmax(1)  # (N, A)
    taken = chosen.any(1)
    mine = torch.zeros_like(chosen).scatter_(1, owner[:, None], True) & chosen
    quality = _quality(metric * mine, overlaps * mine)
    weights = torch.where(taken, quality.gather(1, owner[:, None])[:, 0], 0.0)
    target_labels = labels.clamp(min=0).gather(1, owner)
    soft = torch.zeros_like(scores)
    soft = soft.scatter(2, target_labels[..., None], weights[..., None])
    target_boxes = drawn.gather(1, owner[:, :, None].expand(-1, -1, 4))
    return Assignment(soft, target_boxes, weights)


def _inside(points: Tensor, drawn: Tensor) -> Tensor:
    """(N, M, A): cells whose centre a box holds; the smallest boxes hold one too."""
    x, y = points[:, 0], points[:, 1]
    centre = (drawn[..., :2] + drawn[..., 2:]) / 2
    reach = ((drawn[..., 2:] - drawn[..., :2]) / 2).clamp(
        min=_REACH * points[:, 2].min()
    )
    off_x = (x - centre[..., :1]).abs() < reach[..., :1]
    return off_x & ((y - centre[..., 1:]).abs() < reach[..., 1:])


def _top(metric: Tensor) -> Tensor:
    values, places = metric.topk(_CANDIDATES, dim=2)
    return torch.zeros_like(metric, dtype=torch.bool).scatter_(2, places, values > 0)


def _quality(metric: Tensor, overlaps: Tensor) -> Tensor:
    best = metric.amax(2, keepdim=True)
    return metric / best.clamp(min=_LEAST) * overlaps.amax(2, keepdim=True)
