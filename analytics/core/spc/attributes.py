"""Shewhart charts of counts: p, np, c, u and Laney's p'.

Three-sigma limits are the textbook's; at small counts their false alarms are far from
one in 370. `arl` is therefore computed from the binomial or Poisson tails beyond the
limits as they are, at the centre line. With `arl=` the limits themselves are chosen
from those tails, and the chart states what it really got: counts jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.spc.chart import Chart
from analytics.core.spc.counts import binomial, poisson
from analytics.core.spc.variables import sigma_of_moving_range

Distribution = Callable[[float], Floats]
MOST_SIZES = 200
"""Distinct sample sizes whose tails are summed; more are represented by quantiles."""


@dataclass(frozen=True)
class CountLimits:
    """A signal is a count above `high` or below `low`; `arl` is what that gives."""

    low: int
    high: int
    arl: float


def probability_limits(chances: Floats, arl: float) -> CountLimits:
    """The closest limits whose false alarms are at least `arl` samples apart.

    `chances`: probability of each count 0, 1, …. Half of the false alarms are allowed
    on either side; all of them above where no count is too low to be chance.
    """
    alpha = 1.0 / arl
    at_least = np.cumsum(chances[::-1])[::-1]
    low = int(np.searchsorted(np.cumsum(chances), alpha / 2.0, "right"))
    below = float(chances[:low].sum())
    allowed = alpha / 2.0 if low else alpha
    high = int(np.argmax(np.append(at_least, 0.0) <= allowed)) - 1
    above = float(chances[high + 1 :].sum())
    return CountLimits(low, high, 1.0 / max(below + above, 1e-300))


def p_chart(
    n: Floats, defective: Floats, share: float | None = None, arl: float | None = None
) -> Chart:
    """Share defective of each sample against the overall share.

    :param share: the share in control, where it is known; else that of the samples.
    :param arl: choose exact binomial limits for this run length, not three sigmas.
    """
    centre = _overall(defective, n) if share is None else share
    sigma = np.sqrt(centre * (1.0 - centre) / np.maximum(n, 1.0))
    chances = partial(_binomial_of, centre)
    return _of_counts(defective, n, centre, sigma, chances, arl, ceiling=1.0)


def np_chart(
    n: int, defective: Floats, share: float | None = None, arl: float | None = None
) -> Chart:
    """Number defective of samples of `n` each; otherwise as `p_chart`."""
    sizes = np.full(defective.size, float(n))
    return _scaled(p_chart(sizes, defective, share, arl), float(n))


def u_chart(
    exposure: Floats,
    counts: Floats,
    rate: float | None = None,
    arl: float | None = None,
) -> Chart:
    """Defects per unit of exposure of each sample against the overall rate."""
    centre = _overall(counts, exposure) if rate is None else rate
    sigma = np.sqrt(centre / np.maximum(exposure, 1e-300))
    chances = partial(_poisson_of, centre)
    return _of_counts(counts, exposure, centre, sigma, chances, arl, ceiling=np.inf)


def c_chart(
    counts: Floats, mean: float | None = None, arl: float | None = None
) -> Chart:
    """Defects of equal samples against their mean (Poisson)."""
    return u_chart(np.ones(counts.size), counts, mean, arl)


def laney_p_chart(n: Floats, defective: Floats) -> Chart:
    """p' chart: three-sigma limits that allow for a share that wanders by itself.

    The sigma of each sample is widened by the short-term spread of the standardised
    shares (Laney 2002, Quality Engineering 14). `arl` is not stated.
    """
    plain = p_chart(n, defective)
    sigma = np.sqrt(plain.centre * (1.0 - plain.centre) / np.maximum(n, 1.0))
    sigma = np.maximum(sigma, 1e-300)
    reach = 3.0 * sigma * sigma_of_moving_range((plain.points - plain.centre) / sigma)
    low = np.maximum(plain.centre - reach, 0.0)
    return Chart(plain.points, plain.centre, low, np.minimum(plain.centre + reach, 1.0))


def _of_counts(
    counts: Floats,
    sizes: Floats,
    centre: float,
    sigma: Floats,
    chances: Distribution,
    arl: float | None,
    ceiling: float,
) -> Chart:
    points = counts / np.where(sizes > 0, sizes, 1.0)
    middle = np.full(sizes.size, centre)
    low = np.maximum(centre - 3.0 * sigma, 0.0)
    high = np.minimum(centre + 3.0 * sigma, ceiling)
    if arl is not None:
        low, high = _chosen(sizes, chances, arl)
    return Chart(points, middle, low, high, _stated(sizes, low, high, chances))


def _chosen(sizes: Floats, chances: Distribution, arl: float) -> tuple[Floats, Floats]:
    """Limits between two counts, so that rounding never decides a signal."""
    kinds, place = np.unique(sizes, return_inverse=True)
    found = [probability_limits(chances(float(size)), arl) for size in kinds]
    kinds = np.maximum(kinds, 1e-300)
    low = np.array([limits.low - 0.5 for limits in found]) / kinds
    high = np.array([limits.high + 0.5 for limits in found]) / kinds
    return np.maximum(low, 0.0)[place], high[place]


def _stated(
    sizes: Floats, low: Floats, high: Floats, chances: Distribution
) -> float | None:
    """Run length from the mean chance of a signal; samples in any order."""
    if not sizes.size:
        return None
    order = np.argsort(sizes, kind="stable")
    if order.size > MOST_SIZES and np.unique(sizes).size > MOST_SIZES:
        order = order[np.linspace(0, order.size - 1, MOST_SIZES).astype(int)]
    limits = np.stack([sizes[order], low[order], high[order]], axis=1)
    kinds, weights = np.unique(limits, axis=0, return_counts=True)
    alarms = [_chance_outside(chances(row[0]), *row) for row in kinds.tolist()]
    alarm = float(np.average(alarms, weights=weights))
    return 1.0 / alarm if alarm > 0.0 else None


def _chance_outside(chances: Floats, size: float, low: float, high: float) -> float:
    shares = np.arange(chances.size) / (size or 1.0)
    return float(chances[(shares < low) | (shares > high)].sum())


def _binomial_of(share: float, size: float) -> Floats:
    return binomial(int(size), share)


def _poisson_of(rate: float, size: float) -> Floats:
    return poisson(rate * size)


def _overall(counts: Floats, sizes: Floats) -> float:
    total = float(sizes.sum())
    return float(counts.sum()) / total if total else 0.0


def _scaled(chart: Chart, by: float) -> Chart:
    return Chart(
        chart.points * by, chart.centre * by, chart.low * by, chart.high * by, chart.arl
    )
