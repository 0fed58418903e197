"""Plant the six defects where a real one could be and could be seen.

The classes come in pairs that are each other's negative: what `copper` is to
laminate a `pin-hole` is to copper, and so for spur and mousebite, short and
open. Each maker therefore works on one `Side` of the board.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from traceability.demo.boards.brush import cropped, pen, scribble, wobble
from traceability.demo.boards.habits import USUAL, Habit
from traceability.demo.boards.model import Box, Canvas, Mask
from traceability.demo.boards.terrain import Side, Terrain, chords, survey

Rng = np.random.Generator
Pixel = TypeVar("Pixel", bound=np.generic)

_TRIES = 40
_APART = 14  # pixels kept free between two defects
_CLEAR = 2.0  # pixels between an island and what it must not touch
_AREA = 14  # least visible pixels of a defect
_DEPTH = 3.5  # pixels that a bulge must stand out
_ROOT = 500  # pixels of the piece that a bulge grows from, at least
_SPARED = 8  # times its own area must the piece have that a bulge grows into
_WIDEST = 64  # pixels: the widest gap or track that a bridge or cut spans
_BORDER = 10  # pixels kept free along the border of the photo
_HOLD = 24  # pixels of the other material that a bulge must grow from


@dataclass(frozen=True)
class Wish:
    """The defect to make: pixels long about `size`, standing out by `scale`."""

    size: float
    scale: float
    habit: Habit


@dataclass(frozen=True)
class Patch:
    """Pixels to turn over: `pixels` with its upper left corner at (x, y)."""

    pixels: Mask
    x: int
    y: int


Maker = Callable[[Rng, Side, Wish], Patch | None]


def plant(
    mask: Mask,
    classes: Sequence[str],
    rng: Rng,
    terrain: Terrain | None = None,
    scale: float = 1.0,
    habit: Habit = USUAL,
) -> tuple[Mask, list[Box]]:
    """A copy of the board with one defect for each name in `classes`.

    A defect for which the board has no room is left out, so the boxes may be
    fewer than the classes. `terrain` saves measuring the same board again;
    `scale` enlarges all defects and how clearly they must stand out; `habit` says
    what they look like.
    """
    terrain = terrain or survey(mask)
    planted, used, boxes = mask.copy(), np.zeros(mask.shape, bool), list[Box]()
    for category in classes:
        patch = _find_place(category, rng, terrain, used, scale, habit)
        if patch is not None:
            _turn_over(planted, patch, category)
            _window(used, patch, _APART)[:] = True
            painted = (patch.x, patch.y, *patch.pixels.shape[::-1])
            boxes.append(habit.box(category, painted, mask.shape, rng))
    return planted, boxes


def _find_place(
    category: str, rng: Rng, terrain: Terrain, used: Mask, scale: float, habit: Habit
) -> Patch | None:
    make, of_copper = _MAKERS[category]
    side = terrain.copper if of_copper else terrain.laminate
    size = scale * habit.size(category, rng)
    if not len(side.body) or not len(side.rim):
        return None
    for _ in range(_TRIES):
        patch = make(rng, side, Wish(size, scale, habit))
        if patch is not None and not _window(used, patch, 0).any():
            return patch
        size = max(5.0 * scale, size * 0.94)
    return None


def _island(rng: Rng, side: Side, wish: Wish) -> Patch | None:
    """A patch wholly inside the material, touching nothing."""
    spots = rng.choice(side.body, 64)
    depth = side.depth.ravel()[spots]
    pixels = scribble(rng, wish.size, wish.habit.shapes)
    roomy = spots[depth > max(pixels.shape) / 2 + _CLEAR * wish.scale]
    if not len(roomy) or min(pixels.shape) < 3 or pixels.sum() < _AREA * wish.scale:
        return None
    return _at(side, pixels, roomy[0], 0.5, 0.5)


def _bulge(rng: Rng, side: Side, wish: Wish) -> Patch | None:
    """A patch grown into the material from its rim, bridging nothing."""
    spot = rng.choice(side.rim)
    pixels = scribble(rng, wish.size, wish.habit.shapes)
    patch = _at(side, pixels, spot, *rng.uniform(0.1, 0.9, 2))
    if patch is None:
        return None
    visible = patch.pixels & _window(side.inside, patch, 0)
    near = cv2.dilate(visible.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    patch = _recropped(patch.pixels & near, patch)
    if patch is None:
        return None
    depth = _window(side.depth, patch, 0)[patch.pixels]
    deep = (
        depth.max() >= _DEPTH * wish.scale
        and (depth > 0).sum() >= _AREA * wish.scale**2
    )
    clear = deep and (depth > 0).mean() > 0.4 and _keeps_its_place(side, patch)
    return patch if clear and _same_topology(side, patch) else None


def _keeps_its_place(side: Side, patch: Patch) -> bool:
    """Seen as one spot, it grows from a large piece and spares most of another."""
    visible = patch.pixels & _window(side.inside, patch, 0)
    rooted = patch.pixels & ~visible
    piece = _window(side.piece, patch, 0)
    if not rooted.any() or piece[rooted].max() < _ROOT:
        return False
    spared = piece[visible].max() >= _SPARED * np.count_nonzero(visible)
    return bool(spared) and _islands(visible) == 2


def _bridge(rng: Rng, side: Side, wish: Wish) -> Patch | None:
    """Strokes across the material at a narrow place, joining its two banks."""
    found = chords(side, rng.choice(side.body, 12))
    found = [chord for chord in found if 4 <= chord.length <= _WIDEST]
    if not found:
        return None
    lengths = np.array([chord.length for chord in found])
    weights = np.exp(-lengths / wish.habit.reach) + 0.003
    chord = found[rng.choice(len(found), p=weights / weights.sum())]
    along = (chord.end - chord.start) / np.linalg.norm(chord.end - chord.start)
    across = np.array([-along[1], along[0]])
    canvas: Canvas = np.zeros(side.inside.shape, np.uint8)
    thinnest = round(2 * wish.scale)
    thickness = int(
        rng.integers(thinnest, max(4, min(round(wish.size * 0.55), 14)) + 1)
    )
    for _ in range(int(rng.choice((1, 1, 1, 2, 3)))):
        shift = across * rng.normal(0, wish.size * 0.15)
        start = chord.start - along * rng.uniform(0.5, wish.habit.overshoot) + shift
        end = chord.end + along * rng.uniform(0.5, wish.habit.overshoot) + shift
        slant = across * rng.normal(0, 0.12) * chord.length
        swing = min(chord.length * 0.05, 2.5) + 0.3
        pen(canvas, wobble(rng, start - slant, end + slant, swing), thickness)
    x, y, _, _ = cv2.boundingRect(canvas)
    if not canvas.any():
        return None
    patch = Patch(cropped(canvas), x, y)
    return patch if _on_board(patch, side) and _splits(side, patch) else None


def _at(side: Side, pixels: Mask, spot: int, fx: float, fy: float) -> Patch | None:
    """The patch with its point (fx, fy) of 0..1 on the spot, if on the board."""
    row, column = divmod(int(spot), side.inside.shape[1])
    y = row - int(pixels.shape[0] * fy)
    x = column - int(pixels.shape[1] * fx)
    patch = Patch(pixels, x, y)
    return patch if _on_board(patch, side) else None


def _on_board(patch: Patch, side: Side) -> bool:
    height, width = side.inside.shape
    right, bottom = patch.x + patch.pixels.shape[1], patch.y + patch.pixels.shape[0]
    clear = min(patch.x, patch.y, width - right, height - bottom)
    return bool(clear >= _BORDER)


def _recropped(pixels: Mask, patch: Patch) -> Patch | None:
    canvas = pixels.astype(np.uint8)
    x, y, width, height = cv2.boundingRect(canvas)
    if not width:
        return None
    return Patch(pixels[y : y + height, x : x + width], patch.x + x, patch.y + y)


def _islands(mask: Mask) -> int:
    """Connected pieces, the rest counted as one more."""
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0])


def _before_after(side: Side, patch: Patch, border: int) -> tuple[Mask, Mask]:
    before = _window(side.inside, patch, border)
    after = before.copy()
    y, x = min(border, patch.y), min(border, patch.x)
    height, width = patch.pixels.shape
    after[y : y + height, x : x + width] &= ~patch.pixels
    return before, after


def _same_topology(side: Side, patch: Patch) -> bool:
    before, after = _before_after(side, patch, 4)
    if np.count_nonzero(~before) < _HOLD:
        return False
    return _islands(before) == _islands(after) and _islands(~before) == _islands(~after)


def _splits(side: Side, patch: Patch) -> bool:
    before, after = _before_after(side, patch, 8)
    return _islands(~after) < _islands(~before) and _islands(after) > _islands(before)


def _window(plane: npt.NDArray[Pixel], patch: Patch, border: int) -> npt.NDArray[Pixel]:
    """The part of the plane under the patch and `border` pixels around, a view."""
    height, width = patch.pixels.shape
    rows = slice(max(0, patch.y - border), patch.y + height + border)
    columns = slice(max(0, patch.x - border), patch.x + width + border)
    return plane[rows, columns]


def _turn_over(mask: Mask, patch: Patch, category: str) -> None:
    window = _window(mask, patch, 0)
    window[patch.pixels] = not _MAKERS[category][1]


_MAKERS: dict[str, tuple[Maker, bool]] = {
    "open": (_bridge, True),
    "short": (_bridge, False),
    "mousebite": (_bulge, True),
    "spur": (_bulge, False),
    "copper": (_island, False),
    "pin-hole": (_island, True),
}
