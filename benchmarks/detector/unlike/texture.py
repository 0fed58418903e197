"""Noise, light and camera: what all drawn surfaces share. Fields are float32 (h, w)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detector.unlike.scene import Box, Field

Rng = np.random.Generator
Shape = tuple[int, int]


def smooth(
    rng: Rng, shape: Shape, cell: float | tuple[float, float], octaves: int = 1
) -> Field:
    """Noise of mean 0 and deviation 1 whose grains are `cell` (or y, x) pixels."""
    cells = (cell, cell) if isinstance(cell, int | float) else cell
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        total += _octave(rng, shape, cells, octave) * 0.5**octave
    return (total - total.mean()) / (total.std() + 1e-6)


def _octave(rng: Rng, shape: Shape, cells: tuple[float, float], octave: int) -> Field:
    grid = [
        max(2, int(n / max(c / 2**octave, 1.0)) + 2)
        for n, c in zip(shape, cells, strict=True)
    ]
    noise = rng.standard_normal(grid, np.float32)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)


def light(rng: Rng, shape: Shape, strength: float) -> Field:
    """Uneven illumination: a slope in any direction, and a lamp's bright spot."""
    y, x = grid(shape)
    angle = rng.uniform(0, 2 * np.pi)
    slope = (x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(0, strength)
    cx, cy = rng.uniform(-1, 1, 2)
    spot = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / rng.uniform(0.5, 2.0))
    return np.float32(slope + spot * rng.uniform(-strength, strength))


def grid(shape: Shape) -> tuple[Field, Field]:
    """y as a column and x as a row, both from -1 to 1."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    return y, x


def blob(rng: Rng, shape: Shape, box: Box, ragged: float, soft: float) -> Field:
    """0 to 1: an ellipse in the box with a ragged edge, `soft` of its radius wide."""
    left, top, right, bottom = box
    y = np.arange(shape[0], dtype=np.float32)[:, None]
    x = np.arange(shape[1], dtype=np.float32)[None]
    dx = (x - (left + right) / 2) / max((right - left) / 2, 1)
    dy = (y - (top + bottom) / 2) / max((bottom - top) / 2, 1)
    power = rng.uniform(1.6, 4)
    radius = (np.abs(dx) ** power + np.abs(dy) ** power) ** (1 / power)
    cell = max(6.0, min(right - left, bottom - top) / 4)
    edge = radius + ragged * smooth(rng, shape, cell, 2)
    return np.float32(np.clip((1 - edge) / max(soft, 1e-3) + 0.5, 0, 1))


def polyline(shape: Shape, points: NDArray[np.float64], width: float) -> Field:
    """A line 0 to 1 with soft edges, thinner than a pixel where asked."""
    canvas = np.zeros(shape, np.uint8)
    at = np.round(points * 16).astype(np.int32)
    cv2.polylines(canvas, [at], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
    return np.float32(canvas) / 255 * min(width, 1.0)


def extent(mask: Field, level: float = 0.5) -> Box | None:
    """The box around what reaches the level; None when nothing does."""
    rows = np.flatnonzero((mask >= level).any(1))
    columns = np.flatnonzero((mask >= level).any(0))
    if not len(rows):
        return None
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def jitter(rng: Rng, box: Box, share: float, least: float = 0.0) -> Box:
    """Each side moved by about this share of the box (or `least` pixels)."""
    left, top, right, bottom = box
    dx = max(share * (right - left), least) * rng.standard_normal(2)
    dy = max(share * (bottom - top), least) * rng.standard_normal(2)
    return left + dx[0], top + dy[0], right + dx[1], bottom + dy[1]


def photo(rng: Rng, field: NDArray[np.float32], noise: float) -> NDArray[np.uint8]:
    """Through the camera: blur, grain, 8 bits. (h, w) or (h, w, 3)."""
    blur = rng.uniform(0.3, 1.1)
    image = cv2.GaussianBlur(field, (0, 0), blur)
    image = image + noise * rng.standard_normal(field.shape, np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)
