"""Boxes as drawn, put onto the image as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference_worker.engine.types import FloatArray
from inference_worker.training.datasets.labels import Box, Claim, Labels

ROUNDING = 0.5
"""Pixels that a box may stick out before anybody is told: labels are rounded."""
TINY = 3.0


@dataclass(frozen=True, slots=True)
class Placed:
    """`corners` float32 (4,): left, top, right, bottom in pixels, inside the image."""

    name: str
    corners: FloatArray


def place(labels: Labels, claim: Claim, size: tuple[int, int]) -> list[Placed]:
    """The boxes that have an area inside the image; the others become remarks."""
    placed = []
    for box in claim.boxes:
        corners = _inside(labels, claim.file, box, size)
        if corners is not None:
            placed.append(Placed(box.name, corners))
    return placed


def _inside(
    labels: Labels, file: str, box: Box, size: tuple[int, int]
) -> FloatArray | None:
    edge = np.array(size * 2, np.float64)
    drawn = np.array(box.corners, np.float64) * (edge if box.relative else 1)
    said = f"{box.where}: {_words(drawn)}"
    if not (drawn[2:] > drawn[:2]).all():
        labels.fatal(file, "box_empty", f"{said} has no area")
        return None
    cut = np.clip(drawn, 0, edge).astype(np.float32)
    if not (cut[2:] > cut[:2]).all():
        image = f"{size[0]} x {size[1]}"
        labels.fatal(file, "box_outside", f"{said} lies outside the {image} image")
        return None
    _remark(labels, file, said, drawn, cut)
    return cut


def _remark(
    labels: Labels,
    file: str,
    said: str,
    drawn: np.ndarray[tuple[int], np.dtype[np.float64]],
    cut: FloatArray,
) -> None:
    out = float(np.abs(drawn - cut).max())
    if out > ROUNDING:
        labels.note(file, "box_cut", f"{said} sticks out by {out:.1f} px; cut")
    if float((cut[2:] - cut[:2]).min()) < TINY:
        labels.note(file, "tiny_box", f"{said} is less than {TINY:.0f} px wide or high")


def _words(corners: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    left, top, right, bottom = (f"{value:.6g}" for value in corners)
    return f"box {left}, {top} to {right}, {bottom}"
