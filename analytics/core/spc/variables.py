"""Shewhart charts of measured values: single ones, and subgroups of 2 to 25.

`arl` is that of normal values with known mean and sigma: one point in 370.4 is beyond
three sigmas. Ranges and standard deviations are skewed; their `arl` is not stated.
"""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.spc.chart import Chart, flat
from analytics.core.spc.constants import D2_OF_TWO, D4_OF_TWO, factors

ARL_OF_THREE_SIGMAS = 370.398
"""1 / (2 Φ(-3))."""


def sigma_of_moving_range(values: Floats) -> float:
    """Short-term standard deviation from the mean two-point moving range."""
    if values.size < 2:
        return 0.0
    return float(np.abs(np.diff(values)).mean()) / D2_OF_TWO


def individuals(
    values: Floats, centre: float | None = None, sigma: float | None = None
) -> Chart:
    """I chart: each value against the centre and three short-term sigmas.

    `centre` and `sigma` default to the mean and short-term sigma of the values.
    """
    if centre is None:
        centre = float(values.mean()) if values.size else 0.0
    reach = 3.0 * (sigma_of_moving_range(values) if sigma is None else sigma)
    return flat(values, centre, centre - reach, centre + reach, ARL_OF_THREE_SIGMAS)


def moving_ranges(values: Floats) -> Chart:
    """MR chart of an I-MR pair; one point fewer than values."""
    ranges = np.abs(np.diff(values))
    centre = float(ranges.mean()) if ranges.size else 0.0
    return flat(ranges, centre, 0.0, D4_OF_TWO * centre)


def xbar_r(groups: Floats) -> tuple[Chart, Chart]:
    """Means and ranges of subgroups, a row each, 2 to 25 columns."""
    f = factors(groups.shape[1])
    ranges = groups.max(axis=1) - groups.min(axis=1)
    usual = float(ranges.mean())
    means = _means(groups, f.A2 * usual)
    return means, flat(ranges, usual, f.D3 * usual, f.D4 * usual)


def xbar_s(groups: Floats) -> tuple[Chart, Chart]:
    """Means and standard deviations of subgroups, a row each, 2 to 25 columns."""
    f = factors(groups.shape[1])
    spreads = groups.std(axis=1, ddof=1)
    usual = float(spreads.mean())
    means = _means(groups, f.A3 * usual)
    return means, flat(spreads, usual, f.B3 * usual, f.B4 * usual)


def _means(groups: Floats, reach: float) -> Chart:
    means = groups.mean(axis=1)
    middle = float(means.mean())
    return flat(means, middle, middle - reach, middle + reach, ARL_OF_THREE_SIGMAS)
