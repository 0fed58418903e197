"""Golden boards: whole layouts composed of parts, scene by scene."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from traceability.demo.boards import pads, parts
from traceability.demo.boards.model import Canvas, Mask, Style
from traceability.demo.boards.shapes import Bench, Disc, Part, Plate, Track

Rng = np.random.Generator
Maker = Callable[[Rng, Style], Part]


def draw_template(rng: Rng, style: Style) -> Mask:
    """The copper of one golden board, bool (size, size), True where copper is."""
    scenes = {
        "fine": _fine,
        "flood": _flood,
        "pour": _pour,
        "bars": _bars,
        "mixed": _mixed,
    }
    copper = scenes[style.scene](rng, style)
    if style.angle_deg:
        copper = _tilt(copper, style.angle_deg)
    mask: Mask = copper > 0
    return mask


def _fill(rng: Rng, style: Style, bench: Bench, make: Maker, tries: int) -> None:
    for _ in range(round(tries * style.density)):
        bench.place(make(rng, style))


def _furnish(rng: Rng, style: Style, bench: Bench) -> None:
    menu: tuple[tuple[Maker, int, float], ...] = (
        (parts.bundle, 4, 0.65),
        (parts.quad, 2, 0.25),
        (parts.grid, 4, 0.5),
        (parts.comb, 6, 0.6),
        (parts.meander, 4, 0.35),
        (pads.big_pad, 6, 0.4),
        (parts.net, 40, 0.95),
        (pads.dot, 24, 0.7),
    )
    for make, tries, chance in menu:
        if rng.random() < chance:
            _fill(rng, style, bench, make, tries)


def _fine(rng: Rng, style: Style) -> Canvas:
    bench = Bench(style.size, style.clearance)
    _furnish(rng, style, bench)
    return bench.copper


def _flood(rng: Rng, style: Style) -> Canvas:
    copper = _fine(rng, style)
    reach = round(style.clearance * rng.uniform(0.8, 1.6)) * 2 + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    ground = np.asarray(1 - cv2.dilate(copper, kernel), np.uint8)
    opening = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    ground = np.asarray(cv2.morphologyEx(ground, cv2.MORPH_OPEN, opening), np.uint8)
    return copper | ground


def _mixed(rng: Rng, style: Style) -> Canvas:
    bench = Bench(style.size, style.clearance)
    for _ in range(int(rng.integers(1, 5))):
        bench.place(parts.plate(rng, style))
    _furnish(rng, style, bench)
    return bench.copper


def _pour(rng: Rng, style: Style) -> Canvas:
    """Solid copper parted by channels, round cut-outs and drilled holes."""
    copper: Canvas = np.ones((style.size, style.size), np.uint8)
    width = float(rng.uniform(8.0, 44.0))
    for _ in range(int(rng.integers(1, 6))):
        path = parts.wander(rng, style, int(rng.integers(1, 6)), 3.0)
        Track(path, width * rng.uniform(0.7, 1.3)).paint(copper, 0.0, 0)
        if rng.random() < 0.4:
            x, y = path[int(rng.integers(len(path)))]
            half = width * rng.uniform(0.7, 1.2)
            knob = np.array([[x - half, y - half], [x + half, y + half]])
            Plate(knob[[0, 0, 1, 1]] * [[1, 1]]).paint(copper, half, 0)
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(-0.2, 1.2, 2) * style.size
        Disc(x, y, style.size * rng.uniform(0.04, 0.35)).paint(copper, 0.0, 0)
    for _ in range(int(rng.integers(0, 6))):
        x, y = rng.uniform(0, 1, 2) * style.size
        Disc(x, y, rng.uniform(5, 14)).paint(copper, 0.0, 0)
    if rng.random() < 0.5:
        _furnish_gaps(rng, style, copper)
    return copper


def _furnish_gaps(rng: Rng, style: Style, copper: Canvas) -> None:
    bench = Bench(style.size, style.clearance)
    bench.copper[:] = copper
    _fill(rng, style, bench, parts.net, 40)
    _fill(rng, style, bench, pads.dot, 10)
    copper[:] = bench.copper


def _bars(rng: Rng, style: Style) -> Canvas:
    """Parallel bars of uneven width, stepped and drilled, sometimes cut across."""
    copper: Canvas = np.zeros((style.size, style.size), np.uint8)
    x = float(rng.uniform(-60, 20))
    step_at = style.size * rng.uniform(0.2, 0.8)
    step = float(rng.choice((0.0, 0.0, 1.0))) * rng.uniform(-90, 90)
    while x < style.size + 100:
        half = float(rng.uniform(10, 50))
        x += half
        path = np.array(
            [
                [x, -60.0],
                [x, step_at],
                [x + step, step_at + abs(step)],
                [x + step, style.size + 60.0],
            ]
        )
        Track(path, 2 * half).paint(copper, 0.0, 1)
        if rng.random() < 0.5:
            Disc(x, rng.uniform(0, step_at), rng.uniform(5, 9)).paint(copper, 0.0, 0)
        x += half + float(rng.uniform(12, 60))
    if rng.random() < 0.4:
        y = style.size * rng.uniform(0.2, 0.8)
        cut = np.array([[-20.0, y], [style.size + 20.0, y]])
        Track(cut, rng.uniform(14, 60)).paint(copper, 0.0, 0)
    return np.ascontiguousarray(copper.T) if rng.random() < 0.4 else copper


def _tilt(copper: Canvas, angle_deg: float) -> Canvas:
    middle = (copper.shape[1] / 2, copper.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, angle_deg, 1.0)
    size = (copper.shape[1], copper.shape[0])
    soft = cv2.warpAffine(copper * 255, turn, size, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(soft > 127).astype(np.uint8)
