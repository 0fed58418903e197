"""Primitive copper shapes and how they are painted on a canvas."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from traceability.demo.boards.model import Canvas, Points

_SHIFT = 3  # fractional bits: shapes keep an eighth of a pixel


@dataclass(frozen=True)
class Track:
    """A line of constant width with round ends through (n, 2) points."""

    points: Points
    width: float

    def paint(self, canvas: Canvas, grow: float, value: int) -> None:
        thickness = max(1, round(self.width + 2 * grow))
        cv2.polylines(
            canvas, [_fixed(self.points)], False, value, thickness, shift=_SHIFT
        )


@dataclass(frozen=True)
class Disc:
    """A filled circle: a via, a round pad or, as a drill, a hole."""

    x: float
    y: float
    radius: float

    def paint(self, canvas: Canvas, grow: float, value: int) -> None:
        x, y = _fixed(np.array([[self.x, self.y]]))[0]
        radius = round(max(1.0, self.radius + grow) * (1 << _SHIFT))
        cv2.circle(canvas, (int(x), int(y)), radius, value, -1, shift=_SHIFT)


@dataclass(frozen=True)
class Plate:
    """A filled polygon through (n, 2) corners, rounded by `corner` pixels."""

    points: Points
    corner: float = 0.0

    def paint(self, canvas: Canvas, grow: float, value: int) -> None:
        corners = _fixed(self.points)
        cv2.fillPoly(canvas, [corners], value, shift=_SHIFT)
        border = round(2 * (grow + self.corner))
        if border > 0:
            cv2.polylines(canvas, [corners], True, value, border, shift=_SHIFT)


Shape = Track | Disc | Plate


@dataclass(frozen=True)
class Part:
    """Copper that belongs together, and the holes drilled through it."""

    copper: list[Shape]
    drills: list[Disc] = field(default_factory=list)

    def paint(self, canvas: Canvas, grow: float, value: int) -> None:
        for shape in self.copper:
            shape.paint(canvas, grow, value)


class Bench:
    """A canvas that takes parts only where they keep their distance."""

    def __init__(self, size: int, clearance: float) -> None:
        self.copper: Canvas = np.zeros((size, size), np.uint8)
        self.clearance = clearance
        self._trial: Canvas = np.zeros((size, size), np.uint8)

    def place(self, part: Part) -> bool:
        """Paint the part unless it comes too near; say whether it was painted."""
        self._trial[:] = 0
        part.paint(self._trial, self.clearance, 1)
        if cv2.bitwise_and(self._trial, self.copper).any():
            return False
        self.force(part)
        return True

    def force(self, part: Part) -> None:
        """Paint the part over whatever is there."""
        part.paint(self.copper, 0.0, 1)
        for drill in part.drills:
            drill.paint(self.copper, 0.0, 0)


def _fixed(points: Points) -> cv2.typing.MatLike:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def turned(points: Points, angle_deg: float, x: float, y: float) -> Points:
    """The points turned about the origin, then moved to (x, y)."""
    angle = np.deg2rad(angle_deg)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    moved: Points = points @ turn + np.array([x, y])
    return moved


def offset_path(points: Points, distance: float) -> Points:
    """The path moved sideways by `distance`, corners mitred."""
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1, keepdims=True)
    normals = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / np.maximum(lengths, 1e-6)
    before = np.vstack([normals[:1], normals])
    after = np.vstack([normals, normals[-1:]])
    bisector = before + after
    scale = 2.0 / np.maximum((bisector**2).sum(1, keepdims=True), 0.5)
    moved: Points = points + distance * bisector * scale
    return moved
