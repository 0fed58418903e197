"""The arrays that cross the engine's doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]
"""One picture: uint8, height x width x 3, RGB, upright."""

FloatArray = NDArray[np.float32]
IndexArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Detections:
    """What was found in one image, or what a human drew there (all scores 1).

    `boxes` is float32 (n, 4): left, top, right, bottom in pixels of the original
    image; `scores` float32 (n,) in 0..1; `class_ids` int64 (n,) into the model's
    classes. Raises ValueError when the three do not describe the same n.
    """

    boxes: FloatArray
    scores: FloatArray
    class_ids: IndexArray

    def __post_init__(self) -> None:
        n = len(self.boxes)
        shapes = (self.boxes.shape, self.scores.shape, self.class_ids.shape)
        if shapes != ((n, 4), (n,), (n,)):
            raise ValueError(f"boxes (n, 4), scores (n,), class_ids (n,): got {shapes}")

    @classmethod
    def of(cls, boxes: ArrayLike, scores: ArrayLike, class_ids: ArrayLike) -> Self:
        """From anything array-like; an empty list of boxes is fine."""
        return cls(
            np.asarray(boxes, np.float32).reshape(-1, 4),
            np.asarray(scores, np.float32).reshape(-1),
            np.asarray(class_ids, np.int64).reshape(-1),
        )

    @classmethod
    def truth(cls, boxes: ArrayLike, class_ids: ArrayLike) -> Self:
        """Drawn boxes: certain, so every score is 1."""
        ids = np.asarray(class_ids, np.int64).reshape(-1)
        return cls.of(boxes, np.ones(len(ids)), ids)

    @classmethod
    def empty(cls) -> Self:
        return cls.of([], [], [])

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, keep: IndexArray | NDArray[np.bool_] | slice) -> Self:
        """The rows of `keep` (indices in the order wanted, a mask, or a slice)."""
        return type(self)(self.boxes[keep], self.scores[keep], self.class_ids[keep])

    def xywh(self) -> FloatArray:
        """Boxes as COCO writes them: left, top, width, height."""
        return np.hstack([self.boxes[:, :2], self.boxes[:, 2:] - self.boxes[:, :2]])

    def names(self, classes: Sequence[str]) -> list[str]:
        return [classes[i] for i in self.class_ids]


@dataclass(frozen=True, eq=False, slots=True)
class Guesses:
    """One image's finds for measuring, both down to a low score.

    `every` holds what each place scores for each class, which average precision wants;
    `seen` each place's best class only: cut at a threshold, what a line would see.
    """

    every: Detections
    seen: Detections
