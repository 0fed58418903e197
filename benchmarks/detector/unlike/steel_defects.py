"""The six defects of rolled steel: what each adds to the grey values, and where.

A maker takes the surface's shape, a box it should roughly fill and a contrast in grey
levels, and returns a field to add; its box is the extent of what it added.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detector.unlike.scene import Box, Field
from benchmarks.detector.unlike.texture import Rng, Shape, blob, polyline, smooth


def crazing(rng: Rng, shape: Shape, box: Box, contrast: float) -> Field:
    """A net of fine cracks that fades out: the zero lines of two noises."""
    cell = rng.uniform(5, 10)
    stretched = (cell, cell * rng.uniform(1.5, 3.5))
    width = rng.uniform(0.09, 0.16)
    cracks = np.zeros(shape, np.float32)
    for _ in range(2):
        cracks += np.exp(-((smooth(rng, shape, stretched, 2) / width) ** 2))
    broken = np.clip(smooth(rng, shape, 14) + 0.9, 0, 1.4)
    area = blob(rng, shape, box, 0.18, 0.5)
    return -0.75 * contrast * cracks * broken * area


def inclusion(rng: Rng, shape: Shape, box: Box, contrast: float) -> Field:
    """A dark streak along rolling, frayed and interrupted."""
    left, top, right, bottom = box
    width = max(2.0, (right - left) * rng.uniform(0.35, 0.8))
    y = np.linspace(top, bottom, 12)
    middle = (left + right) / 2 + np.cumsum(rng.normal(0, 0.06 * (right - left), 12))
    line = polyline(shape, np.stack([middle, y], 1), width)
    frayed = cv2.GaussianBlur(line, (0, 0), 0.4 + width / 6)
    fill = np.clip(1.0 + 0.55 * smooth(rng, shape, (18, 3), 2), 0, 2)
    return -1.4 * contrast * frayed * fill


def patches(rng: Rng, shape: Shape, box: Box, contrast: float) -> Field:
    """A soft-edged area, darker or brighter, with a grain of its own."""
    sign = 1 if rng.random() < 0.4 else -1
    area = blob(rng, shape, box, rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.7))
    grain = smooth(rng, shape, rng.uniform(2, 6), 2)
    return contrast * area * (sign * 1.25 + 0.35 * grain)


def pitted_surface(rng: Rng, shape: Shape, box: Box, contrast: float) -> Field:
    """Pits that gather in the middle of the box: no edge that anybody could name."""
    left, top, right, bottom = box
    area = (right - left) * (bottom - top)
    many = int(np.clip(area / rng.uniform(35, 110), 12, 260))
    pits = np.zeros(shape, np.float32)
    for x, y, size in zip(
        rng.normal((left + right) / 2, (right - left) / 4.2, many),
        rng.normal((top + bottom) / 2, (bottom - top) / 4.2, many),
        rng.gamma(2.0, 0.55, many),
        strict=True,
    ):
        _pit(pits, x, y, size, rng.uniform(0.4, 1.3))
    rim = cv2.GaussianBlur(pits, (0, 0), 1.6) - cv2.GaussianBlur(pits, (0, 0), 0.6)
    return contrast * (2.2 * rim - 1.1 * cv2.GaussianBlur(pits, (0, 0), 0.6))


def _pit(field: Field, x: float, y: float, size: float, depth: float) -> None:
    at = (round(x * 16), round(y * 16))
    axes = (max(8, round(size * 16)), max(8, round(size * 12)))
    cv2.ellipse(field, at, axes, 0, 0, 360, depth, -1, cv2.LINE_AA, 4)


def rolled_in_scale(rng: Rng, shape: Shape, box: Box, contrast: float) -> Field:
    """Flakes pressed into the surface, drawn out along rolling."""
    cell = rng.uniform(3.5, 7)
    flakes = smooth(rng, shape, (cell * rng.uniform(1.4, 3), cell), 2)
    level = rng.uniform(0.2, 0.7)
    flakes = 1 / (1 + np.exp(-6 * (flakes - level)))
    area = blob(rng, shape, box, 0.3, 0.45)
    return np.float32(-1.3 * contrast * flakes * area)


def scratches(rng: Rng, shape: Shape, box: Box, contrast: float) -> Field:
    """One to three thin bright lines, close together."""
    total = np.zeros(shape, np.float32)
    for _ in range(rng.integers(1, 4)):
        line = polyline(shape, _scratch(rng, box), rng.uniform(0.5, 2.4))
        total = np.maximum(total, line * rng.uniform(0.6, 1.0))
    worn = np.clip(1 + 0.6 * smooth(rng, shape, 9, 2), 0.1, 1.8)
    return 1.6 * contrast * total * worn


def _scratch(rng: Rng, box: Box) -> NDArray[np.float64]:
    """Three points along the longer side, wandering a little across it."""
    left, top, right, bottom = box
    upright = bottom - top > right - left
    low, high = (top, bottom) if upright else (left, right)
    ends = np.sort(rng.uniform([low, high - 9], [low + 9, high]))
    along = np.linspace(*ends, 3)
    a, b = rng.uniform(0.15, 0.85, 2)
    aside = np.array([a, (a + b) / 2, b])
    if upright:
        return np.stack([left + (right - left) * aside, along], 1)
    return np.stack([along, top + (bottom - top) * aside], 1)


Maker = Callable[[Rng, Shape, Box, float], Field]

MAKERS: dict[str, Maker] = {
    "crazing": crazing,
    "inclusion": inclusion,
    "patches": patches,
    "pitted_surface": pitted_surface,
    "rolled_in_scale": rolled_in_scale,
    "scratches": scratches,
}

SPANS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "crazing": ((60, 170), (45, 150)),
    "inclusion": ((8, 30), (30, 150)),
    "patches": ((30, 100), (30, 120)),
    "pitted_surface": ((45, 150), (60, 180)),
    "rolled_in_scale": ((40, 110), (40, 130)),
    "scratches": ((10, 40), (50, 190)),
}
"""Least and greatest width and height in pixels; scratches also lie on their side."""
