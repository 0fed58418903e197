"""What every family of detectors answers about a foreign network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.preprocess import CENTRE
from inference_worker.importing.graft import Nodes
from inference_worker.importing.signature import Signature

Array = NDArray[np.float32]

BY_NAME, BY_SHAPE, GUESSED = 3, 2, 1
"""How sure a family is: its own metadata or names, only shapes and values, hardly."""

NO_SUPPRESSION = 1.0
"""The IoU for networks that give each object once."""

_SLACK = 1e-3
_RELATIVE = 2.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What the network declares, and what it gave for a drawn picture.

    `outputs` are float32; `canvas` is the picture's (height, width).
    """

    signature: Signature
    outputs: Mapping[str, Array]
    canvas: tuple[int, int]

    @property
    def main(self) -> str:
        """The name of the output (N, ., .) that holds boxes and scores; "" if none."""
        flat = [name for name, one in self.outputs.items() if one.ndim == 3]
        for name in ("output0", "output"):
            if name in flat:
                return name
        return flat[0] if len(flat) == 1 else ""

    @property
    def rows(self) -> Array:
        """What that output gave; nothing, (1, 0, 0), if there is none."""
        empty: Array = np.zeros((1, 0, 0), np.float32)
        return self.outputs.get(self.main, empty)

    def cells(self, strides: Sequence[int]) -> int:
        return cells_of(self.canvas, strides)


@dataclass(frozen=True, slots=True)
class Match:
    """Why a network may be of a family, a sentence's end, and how sure that is."""

    sure: int
    why: str


class Family(ABC):
    """`key` is its name for --family; `fit` is how it wants pictures laid out.

    `free_canvas`: where the graph leaves height and width free, so does the manifest.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    fit: ClassVar[str] = CENTRE
    free_canvas: ClassVar[bool] = False
    threshold: ClassVar[float]
    nms_iou: ClassVar[float]

    @abstractmethod
    def match(self, trial: Trial) -> Match | None:
        """None when the network cannot be of this family."""

    @abstractmethod
    def scores(self, trial: Trial) -> int | None:
        """How many classes it gives scores for; None where the graph does not tell."""

    def classes_seen(self, trial: Trial) -> int:
        """How many classes there are at least, by the labels that it gave."""
        return 0

    @abstractmethod
    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        """Values (N, A, 4) left, top, right, bottom in canvas pixels and (N, A,
        len(kept)) scores in 0..1, made of the float32 `outputs` by name.
        """

    def prepare(self, nodes: Nodes, images: str) -> str:
        """What the network wants instead of RGB in 0..1."""
        return images

    def done(self) -> list[str]:
        """What is added to the graph, each a sentence's end for the card."""
        return ["boxes to left, top, right, bottom in pixels"]


def cells_of(canvas: tuple[int, int], strides: Sequence[int]) -> int:
    """How many places a grid of each stride has on the canvas, together."""
    height, width = canvas
    return sum(-(-height // one) * -(-width // one) for one in strides)


def shares(values: Array) -> bool:
    """All in 0..1, as scores after a sigmoid are."""
    return bool(
        values.size and (values >= -_SLACK).all() and (values <= 1 + _SLACK).all()
    )


def whole(values: Array) -> bool:
    """All whole numbers from 0 on, as class ids are."""
    sound = np.isfinite(values).all() and (values >= 0).all()
    return bool(sound and (values == np.round(values)).all())


def relative(boxes: Array) -> bool:
    """In shares of the canvas rather than pixels; some reach over its edge."""
    return bool(np.abs(boxes).max(initial=0.0) <= _RELATIVE)


def pick(nodes: Nodes, scores: str, kept: list[int], count: int) -> str:
    """The columns `kept` of (N, A, count)."""
    if kept == list(range(count)):
        return scores
    return nodes.op("Gather", scores, nodes.whole(*kept), axis=2)


def to_pixels(nodes: Nodes, boxes: str, canvas: tuple[int, int]) -> str:
    height, width = canvas
    return nodes.op("Mul", boxes, nodes.constant([width, height, width, height]))
