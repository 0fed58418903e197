"""What etching and scanning do to clean edges."""

from __future__ import annotations

import cv2
import numpy as np

from traceability.demo.boards.model import Canvas, Mask, Style

Rng = np.random.Generator


def etched(mask: Mask, rng: Rng, style: Style) -> Mask:
    """The mask with wavy edges, slipped scan lines and a few specks."""
    surface: Canvas = mask.astype(np.uint8) * 255
    if style.roughness > 0.1:
        surface = _waved(surface, rng, style.roughness)
    if style.row_jitter:
        surface = _slipped(surface, rng, style.row_jitter)
    worn: Mask = surface > 127
    if rng.random() < 0.2:
        _speckle(worn, rng)
    return worn


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


def _speckle(mask: Mask, rng: Rng) -> None:
    """Turn over a few single pixels: dust, never a defect."""
    count = int(rng.integers(1, 8))
    rows = rng.integers(1, mask.shape[0] - 2, count)
    columns = rng.integers(1, mask.shape[1] - 2, count)
    mask[rows, columns] = ~mask[rows, columns]
