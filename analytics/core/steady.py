"""What a series of readings does while it stands still: centre, spread, segments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Floats, Ints

MOST_POINTS = 2000
"""Longer series are charted as medians of blocks; change points cost their square."""
LEAST_SEGMENT = 5
PENALTY = 3.0
"""Of a change point, times the logarithm of the points: a little above BIC's two."""
BASELINE_SHARE = 0.2
MOST_CORRELATION = 0.95
KEPT = 0.95
KEPT_SQUARE = 0.7588
"""Mean square of the smallest `KEPT` of standard normal values."""


@dataclass(frozen=True)
class Steady:
    """`centre` and `sigma` of the baseline; first points of the other segments.

    `sigma` is that of the long run: neighbouring readings that resemble one another
    (`correlation`) tell less than independent ones, so that charts of independent
    values fit (Runger and Willemain 1995). `changes`: first points of new segments.
    """

    centre: float
    sigma: float
    correlation: float
    changes: tuple[int, ...]


def blocks(values: Floats) -> tuple[Floats, Ints]:
    """At most `MOST_POINTS` medians of neighbours, and where each block begins."""
    size = max(math.ceil(values.size / MOST_POINTS), 1)
    starts = np.arange(0, values.size, size, dtype=np.int64)
    if size == 1:
        return values, starts
    whole = values.size // size * size
    points = np.median(values[:whole].reshape(-1, size), axis=1)
    rest = values[whole:]
    if rest.size:
        points = np.append(points, np.median(rest))
    return points, starts


def steady(points: Floats) -> Steady:
    """The baseline of a series: its first segment that is long enough."""
    correlation, sigma = noise(points)
    changes = change_points(points / sigma) if sigma > 0.0 else ()
    edges = np.array([0, *changes, points.size])
    lengths = np.diff(edges)
    long = lengths >= BASELINE_SHARE * points.size
    first = int(np.argmax(long)) if long.any() else int(np.argmax(lengths))
    centre = float(np.median(points[edges[first] : edges[first + 1]]))
    return Steady(centre, sigma, correlation, changes)


def noise(points: Floats) -> tuple[float, float]:
    """Correlation of neighbours and long-run sigma, from differences.

    A first-order autoregression; differences over one and two steps do not see
    slow drifts of the level, and a few steps are cut off.
    """
    one, two = (_usual_square(points[lag:] - points[:-lag]) for lag in (1, 2))
    if one <= 0.0:
        return 0.0, 0.0
    correlation = min(max(two / one - 1.0, 0.0), MOST_CORRELATION)
    variance = one / (2.0 * (1.0 - correlation))
    return correlation, math.sqrt(variance * (1 + correlation) / (1 - correlation))


def change_points(z: Floats) -> tuple[int, ...]:
    """Where the level of a series of about unit noise changes: kernel change points.

    Arlot, Celisse and Harchaoui (2019) with the linear kernel, by PELT (ruptures).
    """
    # It takes half a second to import: only where a chart is stored.
    from ruptures import KernelCPD

    if z.size < 2 * LEAST_SEGMENT:
        return ()
    search = KernelCPD(kernel="linear", min_size=LEAST_SEGMENT).fit(z[:, None])
    ends = search.predict(pen=PENALTY * math.log(z.size))
    return tuple(int(end) for end in ends[:-1])


def _usual_square(differences: Floats) -> float:
    """Mean square of normal differences, without the largest: steps make those."""
    squares = np.sort(differences**2)
    return float(squares[: math.ceil(KEPT * squares.size)].mean()) / KEPT_SQUARE
