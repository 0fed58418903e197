"""Statistical process control: charts as plain arrays (numpy only).

Constants are those of two-point moving ranges: d2 = 1.128, D4 = 3.267 (Montgomery,
"Introduction to Statistical Quality Control", appendix VI).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Floats

D2_OF_TWO = 1.128
D4_OF_TWO = 3.267
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Chart:
    """Points of a control chart with its centre and limits, of equal length."""

    points: Floats
    centre: Floats
    low: Floats
    high: Floats

    def outside(self) -> Floats:
        """1.0 where a point is beyond a limit, else 0.0."""
        beyond = (self.points < self.low) | (self.points > self.high)
        return beyond.astype(np.float64)


def sigma_of_moving_range(values: Floats) -> float:
    """Short-term standard deviation from the mean two-point moving range."""
    if values.size < 2:
        return 0.0
    return float(np.abs(np.diff(values)).mean()) / D2_OF_TWO


def individuals(values: Floats) -> Chart:
    """I chart: each value against the mean and three short-term sigmas."""
    centre = float(values.mean()) if values.size else 0.0
    reach = 3.0 * sigma_of_moving_range(values)
    return _flat(values, centre, centre - reach, centre + reach)


def moving_ranges(values: Floats) -> Chart:
    """MR chart of an I-MR pair; one point fewer than values."""
    ranges = np.abs(np.diff(values))
    centre = float(ranges.mean()) if ranges.size else 0.0
    return _flat(ranges, centre, 0.0, D4_OF_TWO * centre)


def ewma(
    values: Floats,
    weight: float = 0.1,
    width: float = 2.7,
    centre: float | None = None,
    sigma: float | None = None,
) -> Chart:
    """Exponentially weighted moving average and its limits that widen from the start.

    After Lucas and Saccucci (1990). `centre` and `sigma` default to the mean and the
    short-term sigma of the values themselves.
    """
    middle = float(values.mean()) if centre is None else centre
    spread = sigma_of_moving_range(values) if sigma is None else sigma
    points = np.empty(values.size)
    last = middle
    for i, value in enumerate(values):
        last = weight * float(value) + (1.0 - weight) * last
        points[i] = last
    age = np.arange(1, values.size + 1)
    share = weight / (2.0 - weight) * (1.0 - (1.0 - weight) ** (2 * age))
    reach = width * spread * np.sqrt(share)
    return Chart(points, np.full(values.size, middle), middle - reach, middle + reach)


def p_chart(n: Floats, defective: Floats) -> Chart:
    """Share defective of each sample against the overall share and three sigmas."""
    total = float(n.sum())
    centre = float(defective.sum()) / total if total else 0.0
    sigma = np.sqrt(centre * (1.0 - centre) / np.maximum(n, 1.0))
    return Chart(
        defective / np.maximum(n, 1.0),
        np.full(n.size, centre),
        np.maximum(centre - 3.0 * sigma, 0.0),
        np.minimum(centre + 3.0 * sigma, 1.0),
    )


def wilson(n: Floats, found: Floats, z: float = NORMAL_95) -> tuple[Floats, Floats]:
    """Score interval of a share (Wilson 1927), usually 95 %; 0..1 where n is 0."""
    size = np.maximum(n, 1e-9)
    share = found / size
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    reach = (
        z
        * np.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
        / (1 + z * z / size)
    )
    low = np.where(n > 0, np.maximum(middle - reach, 0.0), 0.0)
    high = np.where(n > 0, np.minimum(middle + reach, 1.0), 1.0)
    return low, high


def _flat(points: Floats, centre: float, low: float, high: float) -> Chart:
    size = points.size
    return Chart(points, np.full(size, centre), np.full(size, low), np.full(size, high))
