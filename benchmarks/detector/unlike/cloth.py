"""Sound cloth in colour: plain weave, twill, knit; plaid and printed patterns."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.detector.unlike.scene import Field
from benchmarks.detector.unlike.texture import Rng, Shape, smooth


def cloth(rng: Rng, shape: Shape) -> Field:
    """float32 (h, w, 3) BGR, 0 to 255."""
    x, y = _places(rng, shape)
    image = _knit(rng, x, y) if rng.random() < 0.25 else _woven(rng, x, y)
    if rng.random() < 0.5:
        image = _print(rng, image, x, y)
    fuzz = smooth(rng, shape, 1.5) * rng.uniform(1, 5)
    return np.clip(image + fuzz[..., None], 0, 255)


def _places(rng: Rng, shape: Shape) -> tuple[Field, Field]:
    """Where each pixel lies on the cloth: turned a little, and never quite flat."""
    angle = rng.normal(0, 0.03)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    sway = rng.uniform(0.5, 4)
    x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    x = x + sway * smooth(rng, shape, 140) + 2000
    y = y + sway * smooth(rng, shape, 140) + 2000
    return np.float32(x), np.float32(y)


def _colour(rng: Rng) -> Field:
    """Any hue, seldom garish."""
    hsv = np.array([[[rng.integers(180), rng.integers(130), rng.integers(70, 235)]]])
    return np.float32(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2BGR)[0, 0])


def _woven(rng: Rng, x: Field, y: Field) -> Field:
    """Threads over and under each other; twill where the step is not a half."""
    pitch, weft_pitch = rng.uniform(4, 11, 2)
    period, step = [(2, 1), (3, 1), (4, 1)][rng.integers(3)]
    i, j = np.int32(x / pitch), np.int32(y / weft_pitch)
    over = (i + step * j) % period < max(1, period // 2)
    warp, weft = _threads(rng, i), _threads(rng, j)
    across = np.abs(np.sin(np.pi * x / pitch))
    down = np.abs(np.sin(np.pi * y / weft_pitch))
    relief = rng.uniform(0.15, 0.5)
    lit_warp = warp * (1 - relief + relief * across)[..., None]
    lit_weft = weft * (1 - relief + relief * down)[..., None]
    return np.where(over[..., None], lit_warp, lit_weft)


def _threads(rng: Rng, number: np.ndarray) -> Field:
    """The colour of each pixel's thread: one, or a plaid's sequence; none alike."""
    ground, other = _colour(rng), _colour(rng)
    repeat = int(rng.integers(8, 60))
    striped = rng.random(repeat) < rng.choice([0.0, 0.25])
    striped = np.sort(striped) if rng.random() < 0.7 else striped
    table = np.where(striped[:, None], other, ground)
    uneven = 1 + rng.normal(0, rng.uniform(0.01, 0.06), 4096)
    colours = np.float32(table[np.arange(4096) % repeat] * uneven[:, None])
    return colours[number % 4096]


def _knit(rng: Rng, x: Field, y: Field) -> Field:
    """Columns of loops: a zigzag of light and shade."""
    pitch, row = rng.uniform(8, 18), rng.uniform(6, 12)
    slope = np.abs((x / pitch) % 1 - 0.5) * rng.uniform(1.2, 2.2)
    shade = 0.5 + 0.5 * np.cos(2 * np.pi * (y / row + slope))
    groove = np.abs(np.sin(np.pi * x / pitch)) ** 0.5
    light = 0.55 + 0.3 * shade * groove + 0.15 * groove
    return light[..., None] * _threads(rng, np.int32(y / row / 3))


def _print(rng: Rng, image: Field, x: Field, y: Field) -> Field:
    """A motif in one to three colours, repeated; the weave shows through."""
    repeat = rng.uniform(40, 190)
    u, v = (x / repeat) % 1 - 0.5, ((y + (x // repeat % 2) * repeat / 2) / repeat) % 1
    v = v - 0.5
    for _ in range(int(rng.integers(1, 4))):
        mask = _motif(rng, u, v)[..., None] * rng.uniform(0.5, 0.9)
        grain = image.mean(2, keepdims=True) / (image.mean() + 1)
        image = image + mask * (_colour(rng) * grain - image)
    return np.float32(image)


def _motif(rng: Rng, u: Field, v: Field) -> Field:
    """0 to 1 on a tile of -0.5 to 0.5: dot, flower, ring, stripe or lozenge."""
    kind = rng.integers(5)
    cu, cv = rng.uniform(-0.25, 0.25, 2)
    radius = np.hypot(u - cu, v - cv)
    if kind == 0:
        inside = rng.uniform(0.06, 0.2) - radius
    elif kind == 1:
        petals = np.cos(rng.integers(3, 8) * np.arctan2(v - cv, u - cu))
        inside = 0.14 + 0.07 * petals - radius
    elif kind == 2:
        inside = 0.03 - np.abs(radius - rng.uniform(0.1, 0.2))
    elif kind == 3:
        inside = rng.uniform(0.02, 0.12) - np.abs(u - cu)
    else:
        inside = 0.16 - np.abs(u - cu) - np.abs(v - cv) * 0.7
    return np.float32(np.clip(inside * 60 + 0.5, 0, 1))
