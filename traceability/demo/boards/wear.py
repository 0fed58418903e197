"""What etching and scanning do to clean edges."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from traceability.demo.boards.model import Canvas, Mask, Style

Rng = np.random.Generator


def etched(mask: Mask, rng: Rng, style: Style) -> Mask:
    """The mask with wavy edges and slipped scan lines."""
    surface: Canvas = mask.astype(np.uint8) * 255
    if style.roughness > 0.1:
        surface = _waved(surface, rng, style.roughness)
    if style.row_jitter:
        surface = _slipped(surface, rng, style.row_jitter)
    worn: Mask = surface > 127
    return worn


def dusted(mask: Mask, rng: Rng) -> Mask:
    """The mask with a few single pixels turned over: dust, never a defect."""
    count = int(rng.integers(1, 8)) if rng.random() < 0.2 else 0
    rows = rng.integers(1, mask.shape[0] - 2, count)
    columns = rng.integers(1, mask.shape[1] - 2, count)
    dusty = mask.copy()
    dusty[rows, columns] = ~dusty[rows, columns]
    return dusty


def _waved(surface: Canvas, rng: Rng, roughness: float) -> Canvas:
    size = surface.shape[0]
    cells = max(2, size // int(rng.integers(3, 9)))
    knots = rng.normal(0.0, 42.0 * roughness, (cells, cells)).astype(np.float32)
    field = cv2.resize(knots, (surface.shape[1], size), interpolation=cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(surface, (0, 0), 1.4)
    return np.asarray(cv2.add(soft, field, dtype=cv2.CV_8U))


def _slipped(surface: Canvas, rng: Rng, reach: int) -> Canvas:
    rows = np.arange(surface.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(surface.shape[1], dtype=np.float32)[None, :]
    slip = rng.integers(-reach, reach + 1, rows.shape).astype(np.float32)
    xs = np.ascontiguousarray(columns + slip)
    ys = np.ascontiguousarray(np.broadcast_to(rows, xs.shape))
    return np.asarray(
        cv2.remap(surface, xs, ys, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    )


def scanned_again(
    mask: Mask, rng: Rng, wander: tuple[float, float] = (0.4, 1.8), fine: float = 0.35
) -> Mask:
    """The mask as another scan shows it, off by `wander` (least, most) pixels.

    Single pixels are off by up to `fine`; both are standard deviations.
    """
    grain = float(np.exp(rng.uniform(np.log(25.0), np.log(200.0))))
    amount = float(rng.uniform(*wander))
    return frayed(mask, rng, amount, grain, fine * float(rng.uniform()))


def frayed(mask: Mask, rng: Rng, wander: float, grain: float, fine: float) -> Mask:
    """The mask as another scan shows it: each place a little off.

    Places are off by `wander` pixels, alike over about `grain` pixels, and single
    pixels by another `fine` (standard deviations). Nothing is smoothed, so that
    fine lines stay.
    """
    height, width = mask.shape
    xs, ys = (
        _drift(rng, mask.shape, wander, grain) + _drift(rng, mask.shape, fine, 2.0)
        for _ in range(2)
    )
    xs += np.arange(width, dtype=np.float32)
    ys += np.arange(height, dtype=np.float32)[:, None]
    border, surface = cv2.BORDER_REPLICATE, mask.astype(np.uint8)
    return np.asarray(
        cv2.remap(surface, xs, ys, cv2.INTER_NEAREST, borderMode=border) > 0
    )


def _drift(
    rng: Rng, shape: tuple[int, ...], amount: float, grain: float
) -> npt.NDArray[np.float32]:
    cells = max(2, round(shape[0] / grain)), max(2, round(shape[1] / grain))
    knots = amount * rng.standard_normal(cells, np.float32)
    target = (shape[1], shape[0])
    field = cv2.resize(knots, target, interpolation=cv2.INTER_LINEAR)
    return np.asarray(field, np.float32)
