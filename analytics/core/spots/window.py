"""When a spot began and ended."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints
from analytics.core.spots.ground import Ground
from analytics.core.spots.spot import Spot

EDGES = 16
FINER_EDGES = 8
NEAR = 3.5
EDGE_COST = 3.5


def timed(spot: Spot, ground: Ground, free: Floats) -> Spot:
    """The spot with its likeliest stretch of time: all of it unless another is clearer.

    `free`: how much of each point no other spot holds. Each edge costs `EDGE_COST` of
    log likelihood, as there are many to choose from.
    """
    near = np.flatnonzero((spot.distance(ground.points.xy) <= NEAR) & (free > 0.5))
    if not near.size:
        return spot
    odds = spot.log_odds_without_time(ground)[near]
    times = np.unique(ground.points.at[near])
    starts = np.append(-np.inf, _spread(times, EDGES)[1:])
    ends = np.append(_spread(times, EDGES)[:-1], np.inf)
    best = _best(ground, near, odds, starts, ends)
    for _ in range(2):
        first = _around(best[0], starts, times)
        last = _around(best[1], ends, times)
        best = _best(ground, near, odds, first, last)
    return replace(spot, start=best[0], end=best[1])


def _best(
    ground: Ground, near: Ints, odds: Floats, starts: Floats, ends: Floats
) -> tuple[float, float]:
    """Of all pairs of a start and an end, the one of the greatest likelihood."""
    pairs = np.array([(a, b) for a in starts for b in ends if a <= b])
    start, end = pairs[:, :1], pairs[:, 1:]
    at, product = ground.points.at[near], ground.points.product[near]
    inside: Bools = (at >= start) & (at <= end)
    denser = odds - np.log(ground.time_shares(pairs))[:, product]
    gain = (np.logaddexp(0.0, denser) * inside).sum(axis=1)
    gain -= EDGE_COST * np.isfinite(pairs).sum(axis=1)
    first, last = pairs[int(gain.argmax())]
    return float(first), float(last)


def _spread(times: Floats, most: int) -> Floats:
    places = np.linspace(0, times.size - 1, min(most, times.size))
    return times[places.astype(np.int64)]


def _around(edge: float, edges: Floats, times: Floats) -> Floats:
    """The edge, and times between its neighbours among `edges`."""
    if not np.isfinite(edge):
        return np.array([edge])
    known = edges[np.isfinite(edges)]
    low = known[max(int(np.searchsorted(known, edge)) - 1, 0)]
    high = known[min(int(np.searchsorted(known, edge, "right")), known.size - 1)]
    between = times[(times >= low) & (times <= high)]
    return np.union1d(_spread(between, FINER_EDGES), [edge])
