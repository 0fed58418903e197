"""Does a spot stand out, or is it what a class of defects on a product looks like?

Two questions; their p-values are multiplied, and the product judged as Fisher did.

*Against the other times*: given where the defects of each product lie and when they
were found, are so many of the spot's region in its time? It holds whatever the
background looks like: pads, edges, hot corners. A sum of hypergeometric counts has a
lighter tail than the binomial of the same mean (Hoeffding 1956).

*Against the other places*: is a region of that shape anywhere else as full? Elsewhere
the counts are negative binomial around the smooth background; their spread is what
pads and natural hot spots make of them. A unit counts once in a region.

Both count how many places, shapes and stretches of time could have been looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints, group_sums, log_sum_exp
from analytics.core.spots.ground import Ground
from analytics.core.spots.points import Points
from analytics.core.spots.spot import Spot

RADIUS = 2.0
SHAPES = 40.0
WINDOWS = 30.0
TURNS = 4
MOST_CENTRES = 400
LEAST_CENTRES = 8
LEAST_PLACES = 25.0
WIDEST = 0.07
SHAPE_GRID = np.array([0.5, 0.8, 1.3, 2.0, 3.5, 6.0, 12.0, 30.0, 100.0, 1000.0])
MEAN_GRID = np.exp(np.linspace(-0.7, 2.5, 33))


@dataclass(frozen=True)
class Chance:
    """Logs of the probability that chance makes one as good, searches counted."""

    time: float
    place: float

    @property
    def log_p(self) -> float:
        both = self.time + self.place
        return both + float(np.log1p(-both))


def chance_of(spot: Spot, ground: Ground, taken: Bools) -> Chance:
    """`taken`: points in any of the spots that are judged together."""
    inside = spot.distance(ground.points.xy) <= RADIUS
    return Chance(
        time=against_other_times(spot, ground.points, inside),
        place=against_other_places(spot, ground, inside, taken),
    )


def against_other_times(spot: Spot, points: Points, inside: Bools) -> float:
    """Log p of the region's count within the spot's time."""
    from scipy.special import betainc

    if np.isinf(spot.start) and np.isinf(spot.end):
        return 0.0
    first = _first_of_unit(points, inside)
    lasts = spot.lasts(points.at)
    n = group_sums(points.product, np.ones(points.n), points.n_products)
    in_time = group_sums(points.product, lasts, points.n_products)
    region = group_sums(points.product[first], np.ones(first.size), points.n_products)
    trials = int(region.sum())
    mean = float((region * in_time / np.maximum(n, 1.0)).sum())
    found = int(lasts[first].sum())
    chance = min(mean / max(trials, 1), 1.0)
    log_p = float(_log(betainc(max(found, 1), trials - found + 1, chance)))
    places = points.n / max(trials, 1)
    return min(log_p + float(np.log(places * SHAPES * WINDOWS)), 0.0)


def against_other_places(
    spot: Spot, ground: Ground, inside: Bools, taken: Bools
) -> float:
    """Log p of the region's count, from the counts of regions moved and turned.

    A region as wide as the smoothing of the background cannot stand out of it, and
    being the fullest of a few places says nothing: a board has its weak spots.
    """
    points = ground.points
    centres = _centres(~taken)
    values = np.linalg.eigvalsh(spot.covariance)
    size = float(np.sqrt(values.prod()))
    if centres.size < LEAST_CENTRES or size > WIDEST**2:
        return 0.0
    counts = _counts_elsewhere(spot, points, ~taken, centres)
    clumps = float((1.0 / counts).mean() * (~taken).sum())
    if clumps < LEAST_PLACES:
        return 0.0
    area = np.pi * RADIUS**2 * size
    means = area * ground.level(np.ones(points.n, dtype=bool))[centres]
    here = inside & spot.lasts(points.at)
    expected = area * float(ground.level(spot.lasts(points.at))[here].mean())
    found = _first_of_unit(points, here).size
    log_p = _tail(found - 1.0, expected, counts - 1.0, means)
    shapes = SHAPES * float(np.sqrt(values[1] / values[0]))
    return min(log_p + float(np.log(clumps * shapes)), 0.0)


def _first_of_unit(points: Points, chosen: Bools) -> Ints:
    """One of the chosen points for each unit: a crack in five boxes is one event."""
    rows = np.flatnonzero(chosen)
    return rows[np.unique(points.unit[rows], return_index=True)[1]]


def _centres(allowed: Bools) -> Ints:
    rows = np.flatnonzero(allowed)
    return rows[:: max(rows.size // MOST_CENTRES, 1)]


def _counts_elsewhere(
    spot: Spot, points: Points, counted: Bools, centres: Ints
) -> Floats:
    """The fullest turn of the region around each centre: units in it."""
    values, axes = np.linalg.eigh(spot.covariance)
    turns = TURNS if values[1] > 2.0 * values[0] else 1
    shapes = [_turned(values, axes, np.pi * turn / turns) for turn in range(turns)]
    found = [_units_near(points, counted, centres, shape) for shape in shapes]
    counts: Floats = np.max(found, axis=0)
    return counts


def _turned(values: Floats, axes: Floats, angle: float) -> Floats:
    """The matrix (2, 2) that makes the turned region a disc of radius 1."""
    rotation = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    turned: Floats = rotation @ axes / (RADIUS * np.sqrt(values))
    return turned


def _units_near(
    points: Points, counted: Bools, centres: Ints, to_disc: Floats
) -> Floats:
    from scipy.spatial import cKDTree

    rows = np.flatnonzero(counted)
    tree = cKDTree(points.xy[rows] @ to_disc)
    near = tree.query_ball_point(points.xy[centres] @ to_disc, 1.0)
    sizes = np.array([len(found) for found in near])
    owner = np.repeat(np.arange(centres.size), sizes)
    unit = points.unit[rows[np.concatenate(near).astype(np.int64)]]
    pairs = np.unique(owner * (points.unit.max() + 1) + unit)
    return group_sums(
        pairs // (points.unit.max() + 1), np.ones(pairs.size), centres.size
    )


def _tail(found: float, expected: float, counts: Floats, means: Floats) -> float:
    """Log of P(count >= found), averaged over what the other counts say of the noise.

    All defects of a clump see the same count: together they weigh as one.
    """
    size, factor = SHAPE_GRID[:, None, None], MEAN_GRID[None, :, None]
    fit = _log_nbinom(counts, size, np.maximum(means, 1e-6) * factor).sum(axis=2)
    fit *= (1.0 / (1.0 + counts)).mean()
    posterior = fit - log_sum_exp(fit.ravel())
    tails = _log_nbinom_tail(found, size[..., 0], max(expected, 1e-6) * factor[..., 0])
    return float(log_sum_exp((posterior + tails).ravel()))


def _log_nbinom(counts: Floats, size: Floats, mean: Floats) -> Floats:
    """Log of the negative binomial probability, by its mean and size."""
    from scipy.special import gammaln

    log_p: Floats = gammaln(counts + size) - gammaln(size) - gammaln(counts + 1.0)
    log_p = log_p + size * np.log(size / (size + mean))
    return log_p + counts * np.log(mean / (size + mean))


def _log_nbinom_tail(found: float, size: Floats, mean: Floats) -> Floats:
    from scipy.special import betainc

    if found < 1.0:
        return np.zeros(np.broadcast_shapes(size.shape, mean.shape))
    return _log(betainc(found, size, mean / (size + mean)))


def _log(probability: Floats) -> Floats:
    return np.log(np.maximum(probability, 1e-300))
