"""The spots of a class: started by HDBSCAN, fitted, kept only if they stand out."""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.spots.ground import Ground
from analytics.core.spots.points import Points
from analytics.core.spots.seeds import seeds
from analytics.core.spots.significance import RADIUS, chance_of
from analytics.core.spots.spot import Spot, fitted, responsibilities
from analytics.core.spots.window import timed

FALSE_ALARMS = 0.005
LEAST_SPOT = 8
ASIDE = 3.5
INSIDE_WEIGHT = 0.2
MOST_SHARED = 0.3
MOST_TOGETHER = 4
MOST_SPOTS = 6
ROUNDS = 12
TIMED_EVERY = 3
LAST_ROUNDS = 21


def spots_of(points: Points) -> list[Spot]:
    """What stands out from the background; none in all but `FALSE_ALARMS` of classes
    where nothing does. The points must be in order of time.
    """
    kept: list[Spot] = []
    ground = Ground.of(points, np.ones(points.n))
    started = seeds(points, ground)
    while started and len(kept) < MOST_SPOTS:
        tried = _distinct([_alone(spot, kept, points) for spot in started], points)
        found = _standing_out(tried, kept, points)
        if not found:
            break
        kept = together([*kept, *found], points)
        started = _elsewhere(started, kept)
    return kept


def together(
    spots: list[Spot], points: Points, rounds: int = LAST_ROUNDS
) -> list[Spot]:
    """All spots and the background fitted to one another (expectation-maximisation)."""
    spots = list(spots)
    ground = Ground.of(points, outside_of(spots, points))
    for place in range(rounds):
        member = responsibilities(spots, ground)
        free = 1.0 - member.sum(axis=0)
        ground = Ground.of(points, free)
        for i, own in enumerate(member):
            spots[i] = fitted(spots[i], points, own)
            if place % TIMED_EVERY == 0:
                spots[i] = timed(spots[i], ground, free + own)
    return spots


def _alone(spot: Spot, kept: list[Spot], points: Points) -> Spot:
    """One spot fitted beside those that are kept."""
    ground = Ground.of(points, outside_of([*kept, spot], points))
    for place in range(ROUNDS):
        member = responsibilities([*kept, spot], ground)
        if place:
            ground = Ground.of(points, 1.0 - member.sum(axis=0))
        spot = fitted(spot, points, member[-1])
        if place % TIMED_EVERY == 2:
            spot = timed(spot, ground, 1.0 - member[:-1].sum(axis=0))
    return spot


def outside_of(spots: list[Spot], points: Points) -> Floats:
    """How much a point counts as background: 1, but less within a spot's region."""
    inside = np.any([_region(spot, points) for spot in spots], axis=0)
    return np.where(inside, INSIDE_WEIGHT, 1.0)


def _region(spot: Spot, points: Points, radius: float = RADIUS) -> Bools:
    return (spot.distance(points.xy) <= radius) & spot.lasts(points.at)


def _distinct(spots: list[Spot], points: Points) -> list[Spot]:
    """Largest first; without those that are mostly part of an earlier one."""
    regions = [_region(spot, points) for spot in spots]
    order = sorted(range(len(spots)), key=lambda i: (-int(regions[i].sum()), i))
    kept: list[int] = []
    for i in order:
        size = int(regions[i].sum())
        shared = max((int((regions[i] & regions[j]).sum()) for j in kept), default=0)
        if size >= LEAST_SPOT and shared < MOST_SHARED * size:
            kept.append(i)
    return [spots[i] for i in kept]


def _standing_out(tried: list[Spot], kept: list[Spot], points: Points) -> list[Spot]:
    """The most spots that each stand out when all of them are set aside.

    A spot beside others like it is how the class looks; up to `MOST_TOGETHER` of them
    are something that happened.
    """
    limit = np.log(FALSE_ALARMS / max(len(tried), 1))
    single = [_log_p(spot, [*kept, spot], points) for spot in tried]
    order = sorted(range(len(tried)), key=lambda i: (single[i], i))
    best: list[Spot] = []
    for count in range(1, min(MOST_TOGETHER, len(tried)) + 1):
        group = [tried[i] for i in order[:count]]
        if all(_log_p(spot, [*kept, *group], points) <= limit for spot in group):
            best = group
    return best


def _log_p(spot: Spot, aside: list[Spot], points: Points) -> float:
    ground = Ground.of(points, outside_of(aside, points))
    taken = np.any([_region(other, points, ASIDE) for other in aside], axis=0)
    return chance_of(spot, ground, taken).log_p


def _elsewhere(started: list[Spot], kept: list[Spot]) -> list[Spot]:
    return [
        spot
        for spot in started
        if all(other.distance(spot.centre[None, :])[0] > RADIUS for other in kept)
    ]
