"""What a generator gives: pixels, boxes, labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; may reach over the edge until it is written."""

SMALLEST = 3
"""Boxes that the edge cuts down to less than this many pixels are not written."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`image` is uint8, (h, w) grey or (h, w, 3) BGR; `labels` count in the classes."""

    image: NDArray[np.uint8]
    boxes: list[Box] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def annotations(self) -> list[tuple[list[int], int]]:
        """Whole-pixel left, top, width, height inside the image, and the label."""
        height, width = self.image.shape[:2]
        cut = [(_cut(box, width, height), label) for box, label in self._pairs()]
        return [(box, label) for box, label in cut if min(box[2:]) >= SMALLEST]

    def _pairs(self) -> list[tuple[Box, int]]:
        return list(zip(self.boxes, self.labels, strict=True))


@dataclass(frozen=True, slots=True)
class UnlikeSet:
    """One data set: how to draw an image of it, and how many make its two parts."""

    name: str
    classes: tuple[str, ...]
    draw: Callable[[np.random.Generator], Scene]
    train: int
    test: int
    suffix: str = ".jpg"


def _cut(box: Box, width: int, height: int) -> list[int]:
    left, right = (round(min(max(x, 0), width)) for x in (box[0], box[2]))
    top, bottom = (round(min(max(y, 0), height)) for y in (box[1], box[3]))
    return [left, top, right - left, bottom - top]
