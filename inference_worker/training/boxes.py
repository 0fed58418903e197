"""Boxes of a batch, padded: what the network is asked to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """Boxes (N, M, 4) left, top, right, bottom in pixels, labels (N, M), -1 pads.

    `known` (N, classes) is false where an image's people did not look for a class:
    its absence there says nothing.
    """

    boxes: Tensor
    labels: Tensor
    known: Tensor

    def at(self, boxes: Tensor) -> Self:
        """The same things at other places."""
        return replace(self, boxes=boxes)

    def take(self, images: Tensor) -> Self:
        return type(self)(self.boxes[images], self.labels[images], self.known[images])

    def without(self, gone: Tensor) -> Self:
        """Less those where `gone` (N, M) is true."""
        labels = torch.where(gone, torch.full_like(self.labels, -1), self.labels)
        return replace(self, labels=labels)

    def overlaps(self, boxes: Tensor) -> Tensor:
        """(N, K, M) square pixels shared by boxes (N, K, 4) and the targets."""
        return shared(boxes[:, :, None], self.boxes[:, None])

    def crowding(self) -> Tensor:
        """(N, M): square pixels that each box shares with others of its image."""
        present = (self.labels >= 0).float()
        both = present[:, :, None] * present[:, None]
        common = self.overlaps(self.boxes) * both
        return common.sum(2) - common.diagonal(dim1=1, dim2=2)

    def room_for(self, most: int) -> Self:
        """In `most` columns: padding goes first, then what finds no room."""
        present = self.labels >= 0
        order = present.int().argsort(dim=1, descending=True, stable=True)[:, :most]
        boxes = self.boxes.gather(1, order[..., None].expand(-1, -1, 4))
        return replace(self, boxes=boxes, labels=self.labels.gather(1, order))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All boxes of the parts in one picture each; known where all parts know.

        As many columns as the first part has: the parts are quarters of pictures.
        """
        known = torch.stack([part.known for part in parts]).all(0)
        boxes = torch.cat([part.boxes for part in parts], 1)
        labels = torch.cat([part.labels for part in parts], 1)
        return cls(boxes, labels, known).room_for(parts[0].labels.shape[1])


def cut_to_windows(targets: Targets, windows: Tensor, seen: float) -> Targets:
    """Boxes cut to one window (N, 4) an image; those that keep too little go."""
    low, high = windows[:, None, :2], windows[:, None, 2:]
    first = torch.minimum(torch.maximum(targets.boxes[..., :2], low), high)
    last = torch.maximum(torch.minimum(targets.boxes[..., 2:], high), low)
    cut = torch.cat([first, last], -1)
    hidden = area(cut) <= seen * area(targets.boxes)
    return targets.at(cut).without(hidden)


def area(boxes: Tensor) -> Tensor:
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def shared(first: Tensor, second: Tensor) -> Tensor:
    """Square pixels that two boxes share, broadcast."""
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    sides = (high - low).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union, broadcast."""
    common = shared(first, second)
    return common / (area(first) + area(second) - common + 1e-7)
