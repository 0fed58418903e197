"""What a board offers to defects: room, edges and gaps, measured once."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from traceability.demo.boards.model import Canvas, Mask

Floats = npt.NDArray[np.float32]
Areas = npt.NDArray[np.int32]
Spots = npt.NDArray[np.int64]

_RAYS = 16  # directions of a full turn
_REACH = 72  # longest half gap looked for, in pixels


@dataclass(frozen=True)
class Side:
    """One of the two materials: `inside` True where it is, and its depth.

    `depth` is the distance to the other material in pixels, zero outside.
    `rim` and `body` are flat indices of its outermost pixels and of all.
    `piece` says, for every pixel of the board, how many pixels the connected
    piece has that it belongs to, of either material.
    """

    inside: Mask
    depth: Floats
    rim: Spots
    body: Spots
    piece: Areas


@dataclass(frozen=True)
class Terrain:
    """Copper and laminate of one board, as places for defects."""

    copper: Side
    laminate: Side


def survey(mask: Mask) -> Terrain:
    """Measure a copper mask; costs a few milliseconds, so keep the result."""
    piece = np.where(mask, _piece_areas(mask), _piece_areas(~mask))
    return Terrain(_side(mask, piece), _side(~mask, piece))


def _piece_areas(inside: Mask) -> Areas:
    surface: Canvas = inside.astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(surface)
    areas: Areas = statistics[:, cv2.CC_STAT_AREA][labels]
    return areas


def _side(inside: Mask, piece: Areas) -> Side:
    surface: Canvas = inside.astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(surface, cv2.DIST_L2, 5), np.float32)
    body = np.flatnonzero(inside)
    flat = depth.ravel()[body]
    return Side(inside, depth, body[flat < 1.5], body, piece)


@dataclass(frozen=True)
class Chord:
    """The shortest straight way across a material through one spot."""

    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    length: float


def chords(side: Side, spots: Spots) -> list[Chord]:
    """The shortest chord through each spot; spots without one are left out."""
    height, width = side.inside.shape
    rows, columns = np.divmod(spots, width)
    angles = np.arange(_RAYS) * 2 * np.pi / _RAYS
    steps = np.arange(1, _REACH)
    xs = columns[:, None, None] + np.cos(angles)[None, :, None] * steps
    ys = rows[:, None, None] + np.sin(angles)[None, :, None] * steps
    xs, ys = np.round(xs).astype(int), np.round(ys).astype(int)
    on_board = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
    inside = side.inside[np.clip(ys, 0, height - 1), np.clip(xs, 0, width - 1)]
    ended = ~inside & on_board
    reach = np.where(ended.any(2), ended.argmax(2) + 1, 10_000)
    across = reach[:, : _RAYS // 2] + reach[:, _RAYS // 2 :]
    best = across.argmin(1)
    found = []
    for i in np.flatnonzero(across.min(1) < 2 * _REACH):
        ray = best[i]
        along = np.array([np.cos(angles[ray]), np.sin(angles[ray])])
        spot = np.array([columns[i], rows[i]], float)
        start = spot - along * (reach[i, ray + _RAYS // 2] - 0.5)
        end = spot + along * (reach[i, ray] - 0.5)
        found.append(Chord(start, end, float(across[i, ray])))
    return found
