"""Pads, vias and the holes through them."""

from __future__ import annotations

import numpy as np

from traceability.demo.boards.model import Points, Style
from traceability.demo.boards.shapes import Disc, Part, Plate

Rng = np.random.Generator

# What is smaller than these looks like a defect, to anyone.
SMALLEST = 4.5  # radius of a via or hole, pixels
WALL = 3.0  # copper around a hole, pixels
_SMALLEST_BORE = 3.0  # radius of a hole in a pad, pixels
_CENTRED: Points = np.zeros(2)


def round_pad(rng: Rng, style: Style, x: float, y: float) -> Part:
    """A round pad; its hole may be missing, centred or off centre."""
    radius = style.unit * rng.uniform(1.4, 3.6)
    part = Part([Disc(x, y, radius)])
    if rng.random() < 0.6:
        bore = radius * rng.uniform(0.35, 0.8)
        slip = rng.uniform(-0.8, 0.8, 2) * (rng.random() < 0.5)
        part.drills.extend(drilled(x, y, radius, bore, slip))
    return part


def drilled(
    x: float, y: float, radius: float, bore: float, slip: Points = _CENTRED
) -> list[Disc]:
    """The hole of a pad, off centre by `slip` of what room there is, or none.

    Its wall stays whole after etching: a broken ring is a defect. So is a hole
    too small for a drill.
    """
    bore = min(max(bore, _SMALLEST_BORE), radius - WALL)
    if bore < _SMALLEST_BORE:
        return []
    room = radius - bore
    off = room * slip
    off *= min(1.0, (room - WALL) / max(float(np.hypot(*off)), 1e-6))
    return [Disc(x + off[0], y + off[1], bore)]


def dot(rng: Rng, style: Style) -> Part:
    """A lone round via, as test points are."""
    x, y = rng.uniform(0, style.size, 2)
    return Part([Disc(x, y, max(SMALLEST, style.unit * rng.uniform(0.6, 1.7)))])


def big_pad(rng: Rng, style: Style) -> Part:
    """A lone large disc, octagon or rectangle, often drilled."""
    x, y = rng.uniform(0, style.size, 2)
    radius = style.unit * rng.uniform(2.5, 9.0)
    if rng.random() < 0.5:
        part = Part([Disc(x, y, radius)])
    else:
        sides = int(rng.choice((4, 8)))
        turn = np.arange(sides) * 2 * np.pi / sides + np.pi / sides
        stretch = rng.uniform(0.7, 1.5, 2) * radius
        ring = np.stack([np.cos(turn), np.sin(turn)], 1) * stretch + (x, y)
        part = Part([Plate(ring, style.unit * 0.3)])
    if rng.random() < 0.5:
        part.drills.extend(drilled(x, y, radius, radius * rng.uniform(0.15, 0.6)))
    return part
