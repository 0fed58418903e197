"""A printed label in colour, and five ways to misprint it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detector.unlike.scene import Field
from benchmarks.detector.unlike.texture import Rng, Shape, smooth

Pixels = NDArray[np.uint8]

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)
LETTERS = np.array(list("ABCDEFGHKLMNOPRSTUVXYZ0123456789-./ "))


def printed(rng: Rng, shape: Shape) -> Field:
    """float32 (h, w, 3): ground, a band, a sign, lines of text and a bar code."""
    paper = rng.uniform(190, 250) if rng.random() < 0.7 else rng.uniform(60, 190)
    ground = np.clip(paper + rng.normal(0, 8, 3), 0, 255)
    label = np.full((*shape, 3), ground, np.uint8)
    band = [float(v) for v in rng.uniform(10, 230, 3)]
    split = int(shape[0] * rng.uniform(0.15, 0.35))
    cv2.rectangle(label, (0, 0), (shape[1], split), band, -1)
    _text(rng, label, (14, int(split * 0.7)), split / 60, 9)
    _sign(rng, label, split)
    for y in range(split + 40, int(shape[0] * 0.72), int(rng.integers(22, 40))):
        _text(rng, label, (16, y), rng.uniform(0.45, 0.8), int(rng.integers(10, 26)))
    _bars(rng, label)
    cv2.rectangle(label, (4, 4), (shape[1] - 5, shape[0] - 5), band, 2)
    return np.float32(label)


def _text(rng: Rng, label: Pixels, at: tuple[int, int], size: float, many: int) -> None:
    words = "".join(rng.choice(LETTERS, many))
    ink = [float(rng.uniform(5, 60))] * 3
    font = int(rng.choice(FONTS))
    cv2.putText(label, words, at, font, size, ink, 1 + int(size > 0.9), cv2.LINE_AA)


def _sign(rng: Rng, label: Pixels, split: int) -> None:
    radius = int(min(label.shape[:2]) * rng.uniform(0.08, 0.16))
    at = (label.shape[1] - radius - 24, split + radius + 24)
    ink = [float(v) for v in rng.uniform(10, 220, 3)]
    cv2.circle(label, at, radius, ink, -1 if rng.random() < 0.5 else 6, cv2.LINE_AA)
    cv2.line(label, (at[0] - radius, at[1]), (at[0] + radius, at[1]), ink, 5)


def _bars(rng: Rng, label: Pixels) -> None:
    height, width = label.shape[:2]
    top, bottom = int(height * 0.77), int(height * 0.93)
    x, end = int(width * 0.12), int(width * rng.uniform(0.55, 0.85))
    label[top - 6 : bottom + 6, x - 8 : end + 8] = 245
    while x < end:
        wide = int(rng.integers(1, 5))
        label[top:bottom, x : x + wide] = 20
        x += wide + int(rng.integers(1, 5))


def damaged(rng: Rng, label: Field) -> Field:
    """One or two of: doubled, faded, streaked, shifted colours, smeared."""
    for which in rng.choice(5, int(rng.integers(1, 3)), replace=False):
        label = (_doubled, _faded, _streaked, _shifted, _smeared)[which](rng, label)
    return label


def _moved(label: Field, x: float, y: float) -> Field:
    way = np.float32([[1, 0, x], [0, 1, y]])
    size = label.shape[1::-1]
    return cv2.warpAffine(label, way, size, borderMode=cv2.BORDER_REPLICATE)


def _doubled(rng: Rng, label: Field) -> Field:
    """Printed twice, the second time beside the first."""
    x, y = rng.choice([-1, 1], 2) * rng.uniform(4, 13, 2)
    return np.minimum(label, _moved(label, x, y) * 0.35 + label * 0.65 + 18)


def _faded(rng: Rng, label: Field) -> Field:
    """Ink runs out over a part of it."""
    dry = np.clip(smooth(rng, label.shape[:2], 120) * 1.5 + 0.6, 0, 0.92)[..., None]
    return label + dry * (label.max((0, 1)) - label)


def _streaked(rng: Rng, label: Field) -> Field:
    """Dead nozzles leave pale lines from end to end."""
    out = label.copy()
    for x in rng.integers(6, label.shape[1] - 6, int(rng.integers(4, 14))):
        out[:, x : x + int(rng.integers(1, 6))] = label.max((0, 1))
    return out


def _shifted(rng: Rng, label: Field) -> Field:
    """The colours do not meet."""
    moves = rng.choice([-1, 1], (3, 2)) * rng.uniform(2, 8, (3, 2))
    channels = [_moved(label[..., i], *moves[i]) for i in range(3)]
    return np.stack(channels, 2)


def _smeared(rng: Rng, label: Field) -> Field:
    """Wiped while wet, over a part of it."""
    long = int(rng.integers(15, 45))
    wiped = cv2.blur(label, (long, 1) if rng.random() < 0.5 else (1, long))
    part = np.clip(smooth(rng, label.shape[:2], 90) * 3 + 1.2, 0, 1)[..., None]
    return label + part * (wiped - label)
