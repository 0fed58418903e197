"""Boxes as drawn, put onto the image as it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference_worker.engine.box_faults import fault_of, words_of
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
    width, height = size if box.relative else (1, 1)
    left, top, right, bottom = box.corners
    drawn = (left * width, top * height, right * width, bottom * height)
    fault = fault_of(drawn, size)
    if fault:
        code, words = fault
        labels.fatal(file, code, f"{box.where}: {words}")
        return None
    cut = np.clip(drawn, 0, size * 2).astype(np.float32)
    _remark(labels, file, box.where, drawn, cut)
    return cut


def _remark(
    labels: Labels,
    file: str,
    where: str,
    drawn: tuple[float, float, float, float],
    cut: FloatArray,
) -> None:
    said = f"{where}: {words_of(drawn)}"
    out = float(np.abs(drawn - cut).max())
    if out > ROUNDING:
        labels.note(file, "box_cut", f"{said} sticks out by {out:.4g} px; cut")
    if float((cut[2:] - cut[:2]).min()) < TINY:
        labels.note(file, "tiny_box", f"{said} is less than {TINY:.0f} px wide or high")
