"""Which prediction answers for which drawn box: task-aligned assignment."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_CANDIDATES = 10
_SCORE_POWER = 0.5
_OVERLAP_POWER = 6.0


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
    scores: Tensor, boxes: Tensor, points: Tensor, drawn: Tensor, labels: Tensor
) -> Assignment:
    """Match predictions (N, A) to drawn boxes (N, M, 4), label -1 for padding.

    1. A box may be answered by predictions whose cell lies inside it.
    2. Each box takes the best few by score and overlap together.
    3. A prediction wanted by several boxes goes to the one it overlaps most.
    4. The target score of a box's best prediction is its overlap, the others less.
    """
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
    hot = torch.nn.functional.one_hot(target_labels, scores.shape[2])
    target_boxes = drawn.gather(1, owner[:, :, None].expand(-1, -1, 4))
    return Assignment(hot * weights[:, :, None], target_boxes, weights)


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of left, top, right, bottom boxes, broadcast."""
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    sides = (high - low).clamp(min=0)
    shared = sides[..., 0] * sides[..., 1]
    return shared / (area(first) + area(second) - shared + 1e-7)


def area(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def _inside(points: Tensor, drawn: Tensor) -> Tensor:
    x, y = points[:, 0], points[:, 1]
    left, top, right, bottom = drawn[..., None].unbind(2)
    return (x > left) & (x < right) & (y > top) & (y < bottom)


def _top(metric: Tensor) -> Tensor:
    values, places = metric.topk(_CANDIDATES, dim=2)
    return torch.zeros_like(metric, dtype=torch.bool).scatter_(2, places, values > 0)


def _quality(metric: Tensor, overlaps: Tensor) -> Tensor:
    best = metric.amax(2, keepdim=True)
    return metric / (best + 1e-9) * overlaps.amax(2, keepdim=True)
