"""Where on the product the defects of a cluster lie, beside the others of the class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.clustering import Cluster, box_centres
from analytics.core.exhibit import LIMIT, Columns


def board_columns(own: Cluster, every: Sequence[Cluster]) -> Columns:
    """Columns x, y (0..1, y downwards) and highlighted (0/1); none without positions.

    At most `LIMIT` points, evenly taken; half of them at most are not of the cluster.
    """
    inside = _known(own)
    others = [_known(other) for other in every if other.name != own.name]
    outside = np.concatenate([np.empty((0, 2)), *others])
    shown = [_thinned(inside, LIMIT // 2), _thinned(outside, LIMIT // 2)]
    xy = np.round(np.concatenate(shown), 4)
    flags = [1] * len(shown[0]) + [0] * len(shown[1])
    return {"x": xy[:, 0].tolist(), "y": xy[:, 1].tolist(), "highlighted": flags}


def _known(cluster: Cluster) -> Floats:
    middle = box_centres(cluster.defects)
    known: Floats = middle[np.isfinite(middle).all(axis=1)]
    return known[np.lexsort((known[:, 1], known[:, 0]))]


def _thinned(xy: Floats, most: int) -> Floats:
    return xy[:: max(-(-len(xy) // most), 1)]
