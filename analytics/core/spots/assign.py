"""Which spot each defect belongs to."""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Ints
from analytics.core.spots.ground import Ground
from analytics.core.spots.points import Points
from analytics.core.spots.search import LEAST_SPOT, outside_of, spots_of, together
from analytics.core.spots.spot import Spot, responsibilities

MOST_SEARCHED = 2000
ROUNDS_OF_ALL = 6
NONE = -1


def assigned(points: Points) -> tuple[list[Spot], Ints]:
    """The spots, and for each point its likeliest one or `NONE` for the background.

    Of more than `MOST_SEARCHED` points every k-th in time is searched for spots; those
    found are then fitted to all points. Defects of the background that lie in a spot by
    chance cannot be told from its own: each point goes where it is likelier from.
    """
    order = points.order()
    ordered = points.taken(order)
    step = -(-points.n // MOST_SEARCHED)
    spots = spots_of(ordered.taken(np.arange(0, points.n, step)))
    if spots and step > 1:
        spots = together(spots, ordered, ROUNDS_OF_ALL)
    found = _likeliest(spots, ordered)
    sizes = [int((found == i).sum()) for i in range(len(spots))]
    spots = [spots[i] for i, size in enumerate(sizes) if size >= LEAST_SPOT]
    member = np.empty(points.n, dtype=np.int64)
    member[order] = _likeliest(spots, ordered)
    return spots, member


def _likeliest(spots: list[Spot], points: Points) -> Ints:
    if not spots:
        return np.full(points.n, NONE, dtype=np.int64)
    ground = Ground.of(points, outside_of(spots, points))
    ground = Ground.of(points, 1.0 - responsibilities(spots, ground).sum(axis=0))
    own = responsibilities(spots, ground)
    background = 1.0 - own.sum(axis=0)
    place: Ints = np.vstack([background, own]).argmax(axis=0) + NONE
    return place
