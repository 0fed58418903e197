"""What defects commonly look like, and how people draw boxes around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from traceability.demo.boards.brush import SHAPES
from traceability.demo.boards.model import Box

Rng = np.random.Generator

MARGIN = 10  # pixels between a defect and the border of its box


@dataclass(frozen=True)
class Size:
    """Lengths in pixels, spread as a log-normal about `median`, cut at both ends."""

    median: float = 12.0
    spread: float = 0.45
    least: float = 6.0
    most: float = 40.0

    def draw(self, rng: Rng) -> float:
        length = np.exp(rng.normal(np.log(self.median), self.spread))
        return float(np.clip(length, self.least, self.most))


@dataclass(frozen=True)
class Habit:
    """One source of defects.

    `sizes` by class where they are not `Size()`. `shapes` are the shares of the
    brushes in `brush.BRUSHES`. Bridges and cuts get rarer by a factor e for every
    `reach` pixels of length, and overlap their banks by up to `overshoot`. Boxes
    are `MARGIN` around what was painted and looser on each side by `loose` pixels
    on average.
    """

    sizes: Mapping[str, Size] = field(default_factory=dict)
    shapes: tuple[float, ...] = SHAPES
    reach: float = 15.0
    overshoot: float = 5.0
    loose: float = 0.8

    def size(self, category: str, rng: Rng) -> float:
        return self.sizes.get(category, _USUAL_SIZE).draw(rng)

    def box(
        self,
        category: str,
        painted: tuple[int, int, int, int],
        shape: tuple[int, ...],
        rng: Rng,
    ) -> Box:
        """The box a person would draw around `painted` (x, y, width, height)."""
        x, y, width, height = painted
        loose = self.loose * rng.standard_exponential(4)
        left = max(0.0, x - MARGIN - loose[0])
        top = max(0.0, y - MARGIN - loose[1])
        right = min(float(shape[1]), x + width + MARGIN - 1 + loose[2])
        bottom = min(float(shape[0]), y + height + MARGIN - 1 + loose[3])
        return Box(category, left, top, right - left, bottom - top)


_USUAL_SIZE = Size()
USUAL = Habit()
EXACT = Habit(loose=0.0)

# Fitted to sizes, shapes and margins of hand-made defects on etched boards.
BY_HAND = Habit(
    sizes={
        "open": Size(14.0, 0.5),
        "short": Size(17.0, 0.5, 8.0),
        "mousebite": Size(19.0, 0.5, 8.0, 50.0),
        "spur": Size(18.0, 0.4, 8.0, 45.0),
        "copper": Size(18.0, 0.35, 10.0, 45.0),
        "pin-hole": Size(16.0, 0.4, 7.0, 40.0),
    },
    shapes=(0.34, 0.28, 0.08, 0.1, 0.08, 0.06, 0.06),
    reach=13.0,
    overshoot=3.0,
    loose=0.1,
)

# The same where no template tells a round defect from a via.
NEVER_ROUND = replace(BY_HAND, shapes=(0.36, 0.3, 0.09, 0.11, 0.08, 0.06), loose=0.3)
