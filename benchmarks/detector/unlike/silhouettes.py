"""Twenty small mechanical parts as masks: white where there is metal.

Each is drawn on a square of SIDE pixels, about three quarters of it wide, standing
upright; whoever uses it turns, stretches and shrinks it.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.detector.unlike.texture import Rng

SIDE = 256
MIDDLE = SIDE // 2
Mask = NDArray[np.uint8]
Points = NDArray[np.float64]


def silhouette(name: str, rng: Rng) -> Mask:
    """uint8 (SIDE, SIDE), 255 inside; proportions vary from one to the next."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    SHAPES[name](mask, rng)
    return mask


def _fill(mask: Mask, points: Points, value: int = 255) -> None:
    cv2.fillPoly(
        mask, [np.round(np.asarray(points) * 16).astype(np.int32)], value, 8, 4
    )


def _disc(
    mask: Mask, radius: float, value: int = 255, x: float = 0, y: float = 0
) -> None:
    cv2.circle(mask, (round(MIDDLE + x), round(MIDDLE + y)), round(radius), value, -1)


def _bar(mask: Mask, box: tuple[float, float, float, float], value: int = 255) -> None:
    """left, top, right, bottom from the middle."""
    left, top, right, bottom = (round(v + MIDDLE) for v in box)
    cv2.rectangle(mask, (left, top), (right, bottom), value, -1)


def _polygon(corners: int, radius: float, turn: float = 0.0) -> Points:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + turn
    return MIDDLE + radius * np.stack([np.cos(angles), np.sin(angles)], 1)


def _star(teeth: int, low: float, high: float, share: float = 0.5) -> Points:
    """A wheel whose teeth reach from `low` to `high`."""
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radius = np.where((angles * teeth / (2 * np.pi)) % 1 < share, high, low)
    return MIDDLE + np.stack([radius * np.cos(angles), radius * np.sin(angles)], 1)


def _hex_nut(m: Mask, rng: Rng) -> None:
    _fill(m, _polygon(6, 95))
    _disc(m, rng.uniform(42, 56), 0)


def _square_nut(m: Mask, rng: Rng) -> None:
    _fill(m, _polygon(4, 105, np.pi / 4))
    _disc(m, rng.uniform(32, 45), 0)


def _washer(m: Mask, rng: Rng) -> None:
    _disc(m, 96)
    _disc(m, rng.uniform(38, 52), 0)


def _seal_ring(m: Mask, rng: Rng) -> None:
    _disc(m, 96)
    _disc(m, rng.uniform(74, 82), 0)


def _star_washer(m: Mask, rng: Rng) -> None:
    _fill(m, _star(int(rng.integers(10, 15)), 76, 98))
    _disc(m, rng.uniform(44, 54), 0)


def _gear(m: Mask, rng: Rng) -> None:
    _fill(m, _star(int(rng.integers(16, 25)), 84, 98))
    _disc(m, rng.uniform(14, 24), 0)
    for angle in np.arange(3) * 2 * np.pi / 3:
        _disc(m, 17, 0, 50 * np.cos(angle), 50 * np.sin(angle))


def _hex_bolt(m: Mask, rng: Rng) -> None:
    half = rng.uniform(16, 22)
    _bar(m, (-44, -100, 44, -66))
    _bar(m, (-half, -66, half, 100))
    for y in range(-20, 100, 12):
        _bar(m, (-half - 4, y, half + 4, y + 5))


def _round_screw(m: Mask, rng: Rng) -> None:
    half = rng.uniform(12, 18)
    cv2.ellipse(m, (MIDDLE, MIDDLE - 62), (42, 38), 0, 180, 360, 255, -1)
    tip = [(-half, 66), (0, 100), (half, 66), (half, -64), (-half, -64)]
    _fill(m, np.array(tip) + MIDDLE)
    for y in range(-40, 60, 16):
        _fill(
            m, np.array([(-half - 7, y + 5), (half + 7, y - 3), (half, y + 7)]) + MIDDLE
        )


def _wing_nut(m: Mask, rng: Rng) -> None:
    for sign in (-1, 1):
        at = (MIDDLE + sign * 62, MIDDLE - 22)
        cv2.ellipse(m, at, (44, 27), -sign * 28, 0, 360, 255, -1)
    _disc(m, 40, 255, 0, 18)
    _disc(m, rng.uniform(15, 21), 0, 0, 18)


def _spring(m: Mask, rng: Rng) -> None:
    coils = int(rng.integers(6, 10))
    y = np.linspace(-96, 96, 300)
    x = rng.uniform(30, 42) * np.sin(np.linspace(0, coils * 2 * np.pi, 300))
    points = np.round(np.stack([x, y], 1) + MIDDLE).astype(np.int32)
    cv2.polylines(m, [points], False, 255, 9, cv2.LINE_AA)


def _pin(m: Mask, rng: Rng) -> None:
    half = rng.uniform(10, 16)
    _bar(m, (-half, -98, half, 98))
    _bar(m, (-half - 2, -70, half + 2, -64))


def _angle_bracket(m: Mask, rng: Rng) -> None:
    wide = rng.uniform(34, 46)
    _bar(m, (-80, -90, -80 + wide, 90))
    _bar(m, (-80, 90 - wide, 80, 90))
    _disc(m, 9, 0, -80 + wide / 2, -60)
    _disc(m, 9, 0, 55, 90 - wide / 2)


def _tee_bracket(m: Mask, rng: Rng) -> None:
    wide = rng.uniform(17, 23)
    _bar(m, (-90, -90, 90, -90 + 2 * wide))
    _bar(m, (-wide, -90, wide, 92))
    for x, y in ((-65, -90 + wide), (65, -90 + wide), (0, 68)):
        _disc(m, 9, 0, x, y)


def _split_pin(m: Mask, rng: Rng) -> None:
    _disc(m, 30, 255, 0, -66)
    _disc(m, 16, 0, 0, -66)
    spread = rng.uniform(6, 26)
    for sign, length in ((-1, 98), (1, 84)):
        leg = [(sign * 2, -44), (sign * 13, -44), (sign * (11 + spread), length)]
        _fill(m, np.array([*leg, (sign * spread, length)]) + MIDDLE)


def _retaining_clip(m: Mask, rng: Rng) -> None:
    """The E: a ring open on one side, with a tongue."""
    _disc(m, 94)
    _disc(m, rng.uniform(52, 60), 0)
    _bar(m, (-30, 20, 30, 100), 0)
    for angle in (-np.pi / 2, 0.0, np.pi):
        _disc(m, 17, 255, 50 * np.cos(angle), 50 * np.sin(angle))


def _rivet(m: Mask, rng: Rng) -> None:
    half = rng.uniform(20, 27)
    cv2.ellipse(m, (MIDDLE, MIDDLE - 28), (62, 54), 0, 180, 360, 255, -1)
    _bar(m, (-half, -30, half, 84))


def _flange(m: Mask, rng: Rng) -> None:
    _bar(m, (-86, -86, 86, 86))
    _disc(m, rng.uniform(36, 46), 0)
    for x in (-64, 64):
        for y in (-64, 64):
            _disc(m, 12, 0, x, y)


def _woodruff_key(m: Mask, rng: Rng) -> None:
    high = round(rng.uniform(78, 96))
    cv2.ellipse(m, (MIDDLE, MIDDLE - 40), (96, high), 0, 0, 180, 255, -1)


def _hook(m: Mask, rng: Rng) -> None:
    wide = round(rng.uniform(17, 24))
    cv2.ellipse(m, (MIDDLE, MIDDLE + 38), (52, 52), 0, -20, 200, 255, wide)
    cv2.line(m, (MIDDLE - 50, MIDDLE + 30), (MIDDLE - 12, MIDDLE - 66), 255, wide)
    _disc(m, 29, 255, 0, -74)
    _disc(m, 13, 0, 0, -74)


def _chain_link(m: Mask, rng: Rng) -> None:
    radius = rng.uniform(40, 50)
    for value, r in ((255, radius), (0, radius - 22)):
        _disc(m, r, value, 0, -50)
        _disc(m, r, value, 0, 50)
        _bar(m, (-r, -50, r, 50), value)


SHAPES: dict[str, Callable[[Mask, Rng], None]] = {
    "hex_nut": _hex_nut,
    "square_nut": _square_nut,
    "washer": _washer,
    "seal_ring": _seal_ring,
    "star_washer": _star_washer,
    "gear": _gear,
    "hex_bolt": _hex_bolt,
    "round_screw": _round_screw,
    "wing_nut": _wing_nut,
    "spring": _spring,
    "pin": _pin,
    "angle_bracket": _angle_bracket,
    "tee_bracket": _tee_bracket,
    "split_pin": _split_pin,
    "retaining_clip": _retaining_clip,
    "rivet": _rivet,
    "flange": _flange,
    "woodruff_key": _woodruff_key,
    "hook": _hook,
    "chain_link": _chain_link,
}
