"""The words of the board drawer: classes, boxes, samples, styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pin-hole")

Mask = npt.NDArray[np.bool_]
Canvas = npt.NDArray[np.uint8]
Image = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

Scene = Literal["fine", "flood", "pour", "bars", "mixed"]


@dataclass(frozen=True)
class Box:
    """A labelled rectangle in pixels; `x` and `y` are its upper left corner."""

    category: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Sample:
    """A photo, the same board without defects, and where the defects are.

    Both images are uint8 RGB of shape (H, W, 3); `template_image` is another
    exposure of the golden board, so it differs by noise and a small shift.
    """

    image: Image
    template_image: Image
    boxes: list[Box]


@dataclass(frozen=True)
class Style:
    """What a board looks like; lengths are pixels of the photo.

    `unit` is the width of a common track, `clearance` the gap kept between
    copper parts, `density` scales how many parts are tried. `roughness` is how
    far etched edges wander and `row_jitter` how far single scan lines slip.
    """

    size: int
    scene: Scene
    unit: float
    clearance: float
    density: float
    angle_deg: float
    roughness: float
    row_jitter: int


def random_style(rng: np.random.Generator, size: int = 640) -> Style:
    """A style drawn from everything the detector should cope with."""
    scenes: tuple[Scene, ...] = ("fine", "flood", "pour", "bars", "mixed")
    scene = scenes[rng.choice(len(scenes), p=(0.42, 0.1, 0.16, 0.1, 0.22))]
    unit = float(np.exp(rng.uniform(np.log(5.0), np.log(15.0))))
    tilted = rng.random() < 0.1
    return Style(
        size=size,
        scene=scene,
        unit=unit,
        clearance=unit * float(rng.uniform(0.7, 2.0)) + 2.0,
        density=float(rng.uniform(0.4, 1.2)),
        angle_deg=float(rng.choice((45.0, rng.uniform(-8, 8)))) if tilted else 0.0,
        roughness=float(rng.uniform(0.0, 1.0)),
        row_jitter=int(rng.random() < 0.25),
    )
