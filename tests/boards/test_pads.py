"""Nothing sound may look like a defect: holes stay whole and apart."""

from __future__ import annotations

import numpy as np
import pytest

from traceability.demo.boards.model import Style
from traceability.demo.boards.pads import WALL, drilled
from traceability.demo.boards.parts import plate

SLIPS = [(0.0, 0.0), (0.9, 0.9), (-0.8, 0.3), (1.0, -1.0)]


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize(("radius", "bore"), [(9.0, 4.0), (20.0, 17.0), (40.0, 2.0)])
def test_a_hole_keeps_its_wall(
    slip: tuple[float, float], radius: float, bore: float
) -> None:
    (drill,) = drilled(50.0, 60.0, radius, bore, np.array(slip))
    off = np.hypot(drill.x - 50.0, drill.y - 60.0)
    assert drill.radius >= 3.0
    assert off + drill.radius <= radius - WALL + 1e-6 or off == 0


def test_a_pad_too_small_for_a_hole_has_none() -> None:
    assert drilled(0.0, 0.0, 5.0, 3.0) == []


def test_holes_of_a_plate_lie_apart() -> None:
    style = Style(640, "mixed", 9.0, 12.0, 1.0, 0.0, 0.0, 0)
    for seed in range(200):
        drills = plate(np.random.default_rng(seed), style).drills
        for i, one in enumerate(drills):
            for other in drills[:i]:
                between = np.hypot(one.x - other.x, one.y - other.y)
                assert between > one.radius + other.radius + WALL
