"""Where spots may be: groups that HDBSCAN finds at several scales."""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Bools, Floats, Ints
from analytics.core.spots.ground import Ground
from analytics.core.spots.points import Points
from analytics.core.spots.spot import Spot, bounded

LEAST_MEMBERS = 6
LEAST_SHARE = 0.01
SIZE_SCALE = 0.01
TIME_SCALES = (0.0, 0.15)
CUTS = (0.015, 0.025, 0.04)
MOST_SEEDS = 8
ROUND_SD = 0.015
CORE_SD = 0.02
REACH_SD = 0.06
MOST_COMPARED = 400


def seeds(points: Points, ground: Ground) -> list[Spot]:
    """Spots to start from, the densest against the background first.

    HDBSCAN (Campello, Moulavi, Sander 2013) runs on position, size and rank of time;
    distances are in parts of the image. Its own choice of groups, and its tree cut at a
    few distances.
    """
    found = [
        labels == label
        for labels in _labellings(points)
        for label in range(labels.max(initial=-1) + 1)
    ]
    scored = [(_score(points, ground, group), i) for i, group in enumerate(found)]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return _apart([_spot(points, found[i]) for _, i in scored])


def _labellings(points: Points) -> list[Ints]:
    from sklearn.cluster import HDBSCAN

    least = max(LEAST_MEMBERS, round(LEAST_SHARE * points.n))
    labellings = []
    for time_scale in TIME_SCALES:
        model = HDBSCAN(
            min_cluster_size=least, min_samples=min(5, least), copy=True
        ).fit(_features(points, time_scale))
        labellings.append(model.labels_)
        labellings += [model.dbscan_clustering(cut, least) for cut in CUTS]
    return labellings


def _features(points: Points, time_scale: float) -> Floats:
    rank = np.searchsorted(np.sort(points.at), points.at) / points.n
    size = np.clip(np.nan_to_num(points.size), -3.0, 3.0)
    return np.column_stack([points.xy, SIZE_SCALE * size, time_scale * rank])


def _spot(points: Points, group: Bools) -> Spot:
    """A start around the densest point of a group, no narrower than `ROUND_SD`.

    Groups may be chains of many things: only what lies near that point gives the shape.
    """
    rows = np.flatnonzero(group)
    rows = rows[:: -(-rows.size // MOST_COMPARED)]
    xy, at = points.xy[rows], points.at[rows]
    away = ((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2)
    top = int(np.exp(-away / (2 * CORE_SD**2)).sum(axis=1).argmax())
    weight = np.exp(-away[top] / (2 * REACH_SD**2))
    centre: Floats = weight @ xy / weight.sum()
    spread = ((xy - centre) * weight[:, None]).T @ (xy - centre) / weight.sum()
    share = np.full(points.n_products, min(group.mean(), 0.5))
    start, end = np.quantile(at[away[top] <= REACH_SD**2], [0.02, 0.98])
    covariance = bounded(spread + ROUND_SD**2 * np.eye(2))
    return Spot(centre, covariance, float(start), float(end), 0.0, 1.0, share)


def _score(points: Points, ground: Ground, group: Bools) -> float:
    """Log likelihood ratio of the group's ellipse against the background."""
    spot = _spot(points, group)
    lasts = spot.lasts(points.at)
    inside = (spot.distance(points.xy) <= 2.0) & lasts
    if not inside.any():
        return 0.0
    found = float(inside.sum())
    area = np.pi * 4.0 * np.sqrt(np.linalg.det(spot.covariance))
    expected = float(area * ground.level(lasts)[inside].mean())
    return found * float(np.log(found / expected)) - (found - expected)


def _apart(spots: list[Spot]) -> list[Spot]:
    """The first of those that lie on one another, and no more than `MOST_SEEDS`."""
    kept: list[Spot] = []
    for spot in spots:
        near = [other.distance(spot.centre[None, :])[0] < 1.0 for other in kept]
        if not any(near) and len(kept) < MOST_SEEDS:
            kept.append(spot)
    return kept
