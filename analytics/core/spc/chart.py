"""A control chart as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Floats


@dataclass(frozen=True)
class Chart:
    """Points of a control chart with its centre and limits, of equal length.

    `arl`: points between two false alarms on average, while nothing changes and the
    centre and limits are right; None where that is not known. Values estimated from
    few points make false alarms more frequent than it says.
    """

    points: Floats
    centre: Floats
    low: Floats
    high: Floats
    arl: float | None = None

    def outside(self) -> Floats:
        """1.0 where a point is beyond a limit, else 0.0."""
        beyond = (self.points < self.low) | (self.points > self.high)
        return beyond.astype(np.float64)


def flat(
    points: Floats, centre: float, low: float, high: float, arl: float | None = None
) -> Chart:
    """A chart whose limits are the same at every point."""
    size = points.size
    return Chart(
        points,
        np.full(size, centre),
        np.full(size, low),
        np.full(size, high),
        arl,
    )
