"""Exponentially weighted moving averages."""

from __future__ import annotations

import math

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.spc.chart import Chart
from analytics.core.spc.run_length import arl_of_ewma
from analytics.core.spc.variables import sigma_of_moving_range

DIGITS_LOST = 4
"""Decimal digits that a block of the moving average may lose."""


def ewma(
    values: Floats,
    weight: float = 0.1,
    width: float = 2.7,
    centre: float | None = None,
    sigma: float | None = None,
) -> Chart:
    """Exponentially weighted moving average and its limits that widen from the start.

    After Lucas and Saccucci (1990). `centre` and `sigma` default to the mean and the
    short-term sigma of the values themselves. `arl` is that of independent normal
    values with this centre and sigma; `design_ewma` chooses `width` for one.
    """
    middle = float(values.mean()) if centre is None and values.size else centre or 0.0
    spread = sigma_of_moving_range(values) if sigma is None else sigma
    age = np.arange(1, values.size + 1)
    share = weight / (2.0 - weight) * (1.0 - (1.0 - weight) ** (2 * age))
    reach = width * spread * np.sqrt(share)
    return Chart(
        middle + moving_average(values - middle, weight),
        np.full(values.size, middle),
        middle - reach,
        middle + reach,
        arl_of_ewma(weight, width),
    )


def moving_average(values: Floats, weight: float) -> Floats:
    """The EWMA of values from a start of zero; `weight` 0..1 is that of the newest.

    Block by block: within one, the recursion is a running sum of grown values.
    """
    keep = 1.0 - weight
    if keep <= 0.0:
        return values.copy()
    size = max(int(-DIGITS_LOST * math.log(10.0) / math.log(keep)), 1)
    fade = keep ** np.arange(1, size + 1)
    points = np.empty(values.size)
    last = 0.0
    for begin in range(0, values.size, size):
        part = values[begin : begin + size]
        faded = fade[: part.size]
        points[begin : begin + size] = faded * (last + weight * np.cumsum(part / faded))
        last = float(points[begin + part.size - 1])
    return points
