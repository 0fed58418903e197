"""Drawn boxes that cannot be meant: the same refusals for training and measuring."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

TOO_LARGE = 3
"""Times the image's width or height: such a box was drawn on something else."""

Fault = tuple[str, str]
"""A remark's code, and its words."""


def fault_of(corners: Sequence[float], size: tuple[int, int]) -> Fault | None:
    """Why a box, left, top, right, bottom in pixels, has no place on an image of that
    width and height; None when it has an area there, however far it sticks out.
    """
    left, top, right, bottom = corners
    said = words_of(corners)
    image = f"the {size[0]} x {size[1]} image"
    if not all(map(math.isfinite, corners)):
        return "bad_box", f"{said} has no end"
    if right <= left or bottom <= top:
        return "box_empty", f"{said} has no area"
    if right - left > TOO_LARGE * size[0] or bottom - top > TOO_LARGE * size[1]:
        return "bad_box", f"{said} is more than {TOO_LARGE} times as large as {image}"
    if not _overlaps(left, right, size[0]) or not _overlaps(top, bottom, size[1]):
        return "box_outside", f"{said} lies outside {image}"
    return None


def words_of(corners: Sequence[float]) -> str:
    left, top, right, bottom = (f"{value:.6g}" for value in corners)
    return f"box {left}, {top} to {right}, {bottom}"


def _overlaps(start: float, end: float, length: int) -> bool:
    """At the precision that boxes are kept in."""
    return bool(np.float32(min(end, length)) > np.float32(max(start, 0)))
