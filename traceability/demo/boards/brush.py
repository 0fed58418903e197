"""Ragged patches as left by etching accidents, dirt and a hasty pen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from traceability.demo.boards.model import Canvas, Mask, Points

Rng = np.random.Generator


SHAPES = (0.38, 0.37, 0.12, 0.13)  # shares of the brushes, see the end of this file


def scribble(rng: Rng, size: float, shapes: Sequence[float] = SHAPES) -> Mask:
    """A ragged patch about `size` pixels long, cropped to what is painted.

    No large round one unless discs are asked for: it would be a via. `shapes` are
    the shares of the brushes, 1 in sum.
    """
    side = int(size * 2.5) + 16
    while True:
        canvas: Canvas = np.zeros((side, side), np.uint8)
        draw = BRUSHES[rng.choice(len(shapes), p=shapes)]
        draw(rng, canvas, size)
        patch = cropped(canvas)
        if draw is _disc or not _is_round(patch):
            return patch


def _is_round(patch: Mask) -> bool:
    short, long = sorted(patch.shape)
    return long >= 9 and short > 0.78 * long and bool(0.7 < patch.mean() < 0.88)


def cropped(canvas: Canvas) -> Mask:
    """The smallest window of the canvas that holds everything painted."""
    x, y, width, height = cv2.boundingRect(canvas)
    patch: Mask = canvas[y : y + height, x : x + width] > 0
    return patch


def wobble(rng: Rng, start: Points, end: Points, swing: float) -> Points:
    """A hand-drawn line from start to end: (n, 2) points off by `swing`."""
    count = int(rng.integers(2, 6))
    along = np.linspace(0.0, 1.0, count)[:, None]
    drift = rng.normal(0.0, swing, (count, 2))
    drift[[0, -1]] *= 0.3
    line: Points = start + (end - start) * along + drift
    return line


def pen(canvas: Canvas, points: Points, thickness: int, closed: bool = False) -> None:
    """Draw a pixel pen through the points."""
    corners = np.round(points).astype(np.int32)
    cv2.polylines(canvas, [corners], closed, 1, max(1, thickness))


def _blob(rng: Rng, canvas: Canvas, size: float) -> None:
    """Ellipses on a heap."""
    middle = canvas.shape[0] / 2
    for _ in range(int(rng.integers(2, 6))):
        axes = np.maximum(1, np.round(size * rng.uniform(0.18, 0.46, 2))).astype(int)
        spot = np.round(middle + rng.normal(0, size * 0.18, 2)).astype(int)
        angle = float(rng.uniform(0, 180))
        centre, radii = (int(spot[0]), int(spot[1])), (int(axes[0]), int(axes[1]))
        cv2.ellipse(canvas, centre, radii, angle, 0, 360, 1, -1)


def _stroke(rng: Rng, canvas: Canvas, size: float) -> None:
    angle = rng.uniform(0, 2 * np.pi)
    reach = size / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = np.full(2, canvas.shape[0] / 2)
    thickness = int(rng.integers(2, max(3, round(size * 0.4)) + 1))
    for _ in range(1 + int(rng.random() < 0.25)):
        shift = rng.normal(0, size * 0.12, 2)
        line = wobble(rng, middle - reach + shift, middle + reach + shift, size * 0.12)
        pen(canvas, line, min(thickness, 7))


def _loop(rng: Rng, canvas: Canvas, size: float) -> None:
    turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
    radius = size / 2 * rng.uniform(0.6, 1.0, (len(turn), 1))
    ring = radius * np.stack([np.cos(turn), np.sin(turn)], 1) + canvas.shape[0] / 2
    pen(canvas, ring, int(rng.integers(2, 4)), closed=bool(rng.random() < 0.7))


def _shard(rng: Rng, canvas: Canvas, size: float) -> None:
    turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
    radius = size / 2 * rng.uniform(0.5, 1.1, (len(turn), 1))
    ring = radius * np.stack([np.cos(turn), np.sin(turn)], 1) + canvas.shape[0] / 2
    cv2.fillPoly(canvas, [np.round(ring).astype(np.int32)], 1)
    pen(canvas, ring, 2, closed=True)


def _thread(rng: Rng, canvas: Canvas, size: float) -> None:
    """A long thin hair, at times with a knot."""
    length = size * rng.uniform(1.0, 1.9)
    angle = rng.uniform(0, 2 * np.pi)
    reach = length / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = np.full(2, canvas.shape[0] / 2)
    line = wobble(rng, middle - reach, middle + reach, size * 0.12)
    pen(canvas, line, int(rng.integers(2, 4)))
    if rng.random() < 0.5:
        x, y = np.round(line[int(rng.integers(len(line)))]).astype(int)
        cv2.circle(canvas, (int(x), int(y)), int(rng.integers(2, 4)), 1, -1)


def _crumbs(rng: Rng, canvas: Canvas, size: float) -> None:
    """A heap of specks that hardly hold together."""
    middle = canvas.shape[0] / 2
    stretch = size * rng.uniform(0.12, 0.28, 2)
    for _ in range(int(rng.integers(8, 22))):
        x, y = np.round(middle + rng.normal(0.0, stretch)).astype(int)
        cv2.circle(canvas, (int(x), int(y)), int(rng.integers(1, 3)), 1, -1)


def _disc(rng: Rng, canvas: Canvas, size: float) -> None:
    middle = canvas.shape[0] // 2
    cv2.circle(canvas, (middle, middle), max(2, round(size * 0.42)), 1, -1)


BRUSHES: tuple[Callable[[Rng, Canvas, float], None], ...] = (
    _blob,
    _stroke,
    _loop,
    _shard,
    _thread,
    _crumbs,
    _disc,
)
