"""`castings`: 512 x 512 grey, X-ray-like, one class of very many tiny boxes."""

from __future__ import annotations

import cv2
import numpy as np

from benchmarks.detector.unlike.scene import Box, Field, Scene, UnlikeSet
from benchmarks.detector.unlike.texture import Rng, grid, jitter, light, smooth

SIDE = 512
SHAPE = (SIDE, SIDE)
CLASSES = ("pore",)


def draw(rng: Rng) -> Scene:
    metal = _casting(rng)
    centres = _centres(rng, metal, int(rng.integers(20, 81)))
    missing = np.zeros(SHAPE, np.float32)
    boxes = [_pore(rng, missing, x, y) for x, y in centres]
    _specks(rng, missing)
    depth = rng.uniform(0.16, 0.32)
    dose = np.exp(-(metal - depth * np.clip(missing, 0, 1.6)))
    labels = [0] * len(boxes)
    return Scene(_film(rng, dose), [jitter(rng, b, 0.04, 0.4) for b in boxes], labels)


def _casting(rng: Rng) -> Field:
    """Thickness in attenuation lengths: a wall with steps, ribs, bosses and holes."""
    y, x = grid(SHAPE)
    metal = np.full(SHAPE, rng.uniform(0.6, 1.2), np.float32)
    metal += light(rng, SHAPE, 0.25) + 0.03 * smooth(rng, SHAPE, 40, 3)
    for _ in range(int(rng.integers(1, 5))):
        angle = rng.uniform(0, np.pi)
        distance = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.8, 0.8)
        wide = rng.uniform(0.04, 0.3)
        metal += rng.uniform(0.1, 0.45) * _soft(wide - np.abs(distance), rng)
    for _ in range(int(rng.integers(0, 4))):
        cx, cy = rng.uniform(-0.9, 0.9, 2)
        radius = np.hypot(x - cx, y - cy)
        outer = rng.uniform(0.1, 0.35)
        metal += rng.uniform(0.1, 0.4) * _soft(outer - radius, rng)
        metal *= 1 - rng.choice([0, 0.75]) * _soft(0.55 * outer - radius, rng)
    return np.clip(metal, 0.05, 3.0)


def _soft(inside: Field, rng: Rng) -> Field:
    """0 to 1 across an edge a few pixels wide."""
    return np.float32(np.clip(inside * rng.uniform(30, 120) + 0.5, 0, 1))


def _centres(rng: Rng, metal: Field, many: int) -> list[tuple[float, float]]:
    """Half anywhere, half in clouds; in metal, no two closer than a pore is wide."""
    clouds = rng.uniform(60, SIDE - 60, (int(rng.integers(1, 4)), 2))
    found: list[tuple[float, float]] = []
    hole = 0.65 * float(np.median(metal))
    for _ in range(many * 30):
        if len(found) == many:
            break
        near = clouds[rng.integers(len(clouds))] + rng.normal(0, 45, 2)
        x, y = near if rng.random() < 0.5 else rng.uniform(0, SIDE, 2)
        free = all(max(abs(x - a), abs(y - b)) > 11 for a, b in found)
        inside = 9 < x < SIDE - 9 and 9 < y < SIDE - 9
        if free and inside and metal[int(y), int(x)] > hole:
            found.append((float(x), float(y)))
    return found


def _pore(rng: Rng, missing: Field, x: float, y: float) -> Box:
    """A gas bubble: round, or a string of two or three; 6 to 16 pixels."""
    strength = rng.uniform(0.45, 1.4)
    half = rng.uniform(2.2, 5.2)
    many = int(rng.choice([1, 1, 1, 2, 3]))
    at = np.array([x, y]) + rng.normal(0, half / 2.2, (many, 2)) * (many > 1)
    sizes = half * rng.uniform(0.6, 1, many) if many > 1 else np.array([half])
    for (cx, cy), size in zip(at, sizes, strict=True):
        _bubble(missing, cx, cy, size, size * rng.uniform(0.75, 1), strength)
    low, high = (at - sizes[:, None]).min(0), (at + sizes[:, None]).max(0)
    return low[0] - 1, low[1] - 1, high[0] + 1, high[1] + 1


def _bubble(
    missing: Field, cx: float, cy: float, a: float, b: float, strength: float
) -> None:
    """The path through an ellipsoid: thick in the middle, thin at the edge."""
    left, top = max(0, int(cx - 8)), max(0, int(cy - 8))
    part = missing[top : top + 18, left : left + 18]
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    inside = 1 - ((x + left - cx) / a) ** 2 - ((y + top - cy) / b) ** 2
    part += np.float32(strength * np.sqrt(np.clip(inside, 0, 1)))


def _specks(rng: Rng, missing: Field) -> None:
    """Too small or too dense to be a pore: what a reader passes over."""
    for x, y in rng.uniform(10, SIDE - 10, (int(rng.integers(5, 40)), 2)):
        size = rng.uniform(0.8, 1.6)
        strength = rng.choice([-0.4, 0.4]) * rng.uniform(0.4, 1)
        _bubble(missing, x, y, size, size, strength)


def _film(rng: Rng, dose: Field) -> np.ndarray:
    """Scatter, quantum noise, and whatever contrast somebody set."""
    dose = cv2.GaussianBlur(dose, (0, 0), rng.uniform(0.7, 1.2))
    grains = rng.uniform(900, 5000)
    noisy = rng.poisson(dose * grains).astype(np.float32) / grains
    noisy = cv2.GaussianBlur(noisy, (0, 0), rng.uniform(0.4, 0.8))
    low, high = np.percentile(noisy, [0.3, 99.7])
    grey = 20 + 215 * (noisy - low) / (high - low + 1e-6)
    grey = 255 - grey if rng.random() < 0.25 else grey
    return np.clip(grey, 0, 255).astype(np.uint8)


CASTINGS = UnlikeSet("castings", CLASSES, draw, 250, 80, ".png")
