"""Random copper parts: tracks, bundles, pads, combs, meanders, plates."""

from __future__ import annotations

import numpy as np

from traceability.demo.boards.model import Points, Style
from traceability.demo.boards.pads import SMALLEST, WALL, drilled, round_pad
from traceability.demo.boards.shapes import (
    Disc,
    Part,
    Plate,
    Shape,
    Track,
    offset_path,
    turned,
)

Rng = np.random.Generator

# What is smaller than this looks like a defect, to anyone.
_SHORTEST = 24.0  # least length of a track, pixels
_LONE = 8.0  # track widths: a track so short has a pad at its beginning only


def wander(rng: Rng, style: Style, steps: int, reach: float) -> Points:
    """A path of `steps` straight runs with 45 degree bends, near the board."""
    heading = 45.0 * int(rng.integers(8) if rng.random() < 0.3 else rng.integers(4) * 2)
    points = [rng.uniform(-0.05, 1.05, 2) * style.size]
    for _ in range(steps):
        angle = np.deg2rad(heading)
        length = style.unit * rng.uniform(2.0, 10.0) * reach
        points.append(points[-1] + length * np.array([np.cos(angle), np.sin(angle)]))
        heading += float(rng.choice((-45.0, 45.0)))
        if rng.random() < 0.2:
            heading += float(rng.choice((-45.0, 45.0)))
    return np.array(points)


def net(rng: Rng, style: Style) -> Part:
    """One track with a pad, a via or nothing at each end."""
    path = wander(rng, style, int(rng.integers(1, 6)), rng.uniform(0.8, 2.0))
    width = style.unit * float(rng.choice((0.7, 1.0, 1.0, 1.5, 2.5)))
    path[1] += (path[1] - path[0]) / np.linalg.norm(path[1] - path[0]) * _SHORTEST
    part = Part([Track(path, width)])
    ends = [Part([]), Part([])]
    for end, at in zip(ends, (path[0], path[-1]), strict=True):
        _add_end(rng, style, end, at)
    if np.linalg.norm(path[-1] - path[0]) < _LONE * style.unit:
        ends = [ends[0]]  # pads so near would all but touch
        ends[0].copper.append(Disc(path[0][0], path[0][1], style.unit * 1.2))
    for end in ends:
        part.copper.extend(end.copper)
        part.drills.extend(end.drills)
    return part


def _add_end(rng: Rng, style: Style, part: Part, end: Points) -> None:
    choice = rng.random()
    if choice < 0.45:
        part.copper.append(Disc(end[0], end[1], style.unit * rng.uniform(0.8, 1.6)))
    elif choice < 0.6:
        pad = round_pad(rng, style, end[0], end[1])
        part.copper.extend(pad.copper)
        part.drills.extend(pad.drills)
    elif choice < 0.8:
        part.copper.append(_rectangle(rng, style, end[0], end[1]))


def _rectangle(rng: Rng, style: Style, x: float, y: float) -> Plate:
    half = style.unit * rng.uniform(1.0, 2.6, 2)
    corner = float(rng.choice((0.0, 0.0, 0.25))) * style.unit
    return Plate(turned(_corners(*half), 0.0, x, y), corner)


def _corners(half_width: float, half_height: float) -> Points:
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    corners: Points = signs * (half_width, half_height)
    return corners


def bundle(rng: Rng, style: Style) -> Part:
    """A bus: many parallel tracks that bend together, crossing the board."""
    count = int(rng.integers(2, 14))
    width = style.unit * rng.uniform(0.6, 1.3)
    pitch = width + max(style.clearance * rng.uniform(0.5, 1.2), 4.0)
    path = _crossing(rng, style, pitch * count)
    offsets = (np.arange(count) - (count - 1) / 2) * pitch
    keep = rng.random(count) > 0.08
    paths = [offset_path(path, distance) for distance in offsets[keep]]
    return Part([Track(points, width) for points in paths])


def _crossing(rng: Rng, style: Style, spread: float) -> Points:
    heading = 90.0 * int(rng.integers(4))
    angle = np.deg2rad(heading)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    middle = np.array([style.size / 2, style.size / 2])
    start = middle - along * style.size * 0.75
    start = start + across * style.size * rng.uniform(-0.5, 0.5)
    points = [start]
    bend = 0.0
    for _ in range(int(rng.integers(1, 5))):
        angle = np.deg2rad(heading + bend)
        length = spread + style.size * rng.uniform(0.1, 0.5)
        points.append(points[-1] + length * np.array([np.cos(angle), np.sin(angle)]))
        bend = 0.0 if bend else float(rng.choice((-45.0, 45.0)))
    angle = np.deg2rad(heading + bend)
    points.append(points[-1] + style.size * np.array([np.cos(angle), np.sin(angle)]))
    return np.array(points)


def grid(rng: Rng, style: Style) -> Part:
    """Rows of equal round pads, drilled or not, some with a track leaving."""
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(2, 8))
    radius = style.unit * rng.uniform(1.3, 2.6)
    pitch = 2 * radius + style.clearance * rng.uniform(1.0, 2.5)
    bore = radius * rng.uniform(0.5, 0.85) * (rng.random() < 0.7)
    slip = rng.uniform(-0.9, 0.9, 2) * (rng.random() < 0.5)
    angle = float(rng.choice((0.0, 90.0)))
    spots = np.mgrid[0:columns, 0:rows].reshape(2, -1).T * pitch
    places = turned(spots.astype(float), angle, *rng.uniform(-0.1, 0.9, 2) * style.size)
    part = Part([Disc(x, y, radius) for x, y in places])
    if bore:
        for x, y in places:
            part.drills.extend(drilled(x, y, radius, bore, slip))
    return part


def comb(rng: Rng, style: Style) -> Part:
    """A row of SMD pads or two facing rows, some with a track leaving."""
    count = int(rng.integers(3, 16))
    half_width = style.unit * rng.uniform(0.5, 1.1)
    half_length = half_width * rng.uniform(1.5, 5.0)
    pitch = 2 * half_width + max(4.0, style.clearance * rng.uniform(0.5, 1.2))
    angle = float(rng.choice((0.0, 90.0)))
    x, y = rng.uniform(-0.1, 1.0, 2) * style.size
    rows = [0.0]
    if rng.random() < 0.4:
        rows.append(2 * half_length + style.unit * rng.uniform(4, 12))
    copper: list[Shape] = []
    for row in rows:
        leads = rng.random() < 0.5
        for i in range(count):
            pad = _corners(half_width, half_length) + (i * pitch, row)
            copper.append(Plate(turned(pad, angle, x, y)))
            if leads and rng.random() < 0.8:
                side = -1.0 if row == 0.0 else 1.0
                reach = half_length + style.unit * rng.uniform(1, 14)
                lead = np.array([[i * pitch, row], [i * pitch, row + side * reach]])
                copper.append(Track(turned(lead, angle, x, y), half_width * 1.2))
    return Part(copper)


def quad(rng: Rng, style: Style) -> Part:
    """A quad flat package: four rows of pads about a centre plate."""
    count = int(rng.integers(5, 14))
    half_width = style.unit * rng.uniform(0.4, 0.7)
    half_length = half_width * rng.uniform(2.5, 5.0)
    pitch = 2 * half_width + max(4.0, style.clearance * 0.6)
    reach = count * pitch / 2 + half_length + style.clearance
    angle = float(rng.choice((0.0, 0.0, 45.0)))
    x, y = rng.uniform(0.0, 1.0, 2) * style.size
    copper: list[Shape] = []
    for side in range(4):
        for i in range(count):
            pad = _corners(half_width, half_length)
            pad = pad + ((i - (count - 1) / 2) * pitch, reach)
            copper.append(Plate(turned(turned(pad, 90.0 * side, 0, 0), angle, x, y)))
    part = Part(copper)
    if rng.random() < 0.7:
        inner = (reach - half_length - style.clearance * 1.5) * rng.uniform(0.5, 0.95)
        part.copper.append(Plate(turned(_corners(inner, inner), angle, x, y)))
        if rng.random() < 0.5:
            part.drills.extend(drilled(x, y, inner, inner * rng.uniform(0.2, 0.6)))
    return part


def meander(rng: Rng, style: Style) -> Part:
    """A length-matched track: a serpentine with round turns."""
    turns = int(rng.integers(3, 10))
    width = style.unit * rng.uniform(0.6, 1.0)
    pitch = width + max(4.0, style.clearance * rng.uniform(0.6, 1.1))
    height = style.unit * rng.uniform(4, 12)
    points = [(-3 * pitch, 0.0), (0.0, 0.0)]
    for i in range(turns):
        level = height if i % 2 == 0 else 0.0
        points += [(i * pitch, level), ((i + 1) * pitch, level)]
    points.append(((turns + 4) * pitch, points[-1][1]))
    angle = float(rng.choice((0.0, 90.0, 45.0, 135.0)))
    spot = rng.uniform(0, 0.9, 2) * style.size
    return Part([Track(turned(np.array(points), angle, *spot), width)])


def plate(rng: Rng, style: Style) -> Part:
    """A large chamfered area of copper with a few vias through it."""
    half = style.size * rng.uniform(0.08, 0.38, 2)
    cut = min(half) * rng.uniform(0.0, 0.6, 4) * (rng.random(4) < 0.6)
    x, y = rng.uniform(-0.05, 1.05, 2) * style.size
    ring: list[Points] = []
    corners = _corners(*half)
    for i, corner in enumerate(corners):
        for neighbour in (corners[i - 1], corners[(i + 1) % 4]):
            step = neighbour - corner
            ring.append(corner + step / np.linalg.norm(step) * cut[i])
    part = Part([Plate(np.array(ring) + (x, y), style.unit * rng.uniform(0, 1.0))])
    for _ in range(int(rng.integers(0, 5))):
        spot = (x, y) + rng.uniform(-0.75, 0.75, 2) * half
        radius = max(SMALLEST, style.unit * rng.uniform(0.5, 1.6))
        drill = Disc(spot[0], spot[1], radius)
        if all(_gap(drill, other) > 2 * WALL for other in part.drills):
            part.drills.append(drill)
    return part


def _gap(one: Disc, other: Disc) -> float:
    between = float(np.hypot(one.x - other.x, one.y - other.y))
    return between - one.radius - other.radius
