"""How much more than chance alone a defect rate varies from stretch to stretch."""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Floats

SCALES = (1, 2, 4, 8, 16)
"""Neighbours are compared one by one, and in blocks of this many stretches."""
LEAST_BLOCKS = 10
CUT = 0.1
"""Share of the comparisons that is left out, the largest: a rise begins and ends."""
DRAWS = 99
CLEARLY = 0.8
"""Share of what chance draws that a spread must exceed: low, false alarms cost more."""


def dispersion(n: Floats, defective: Floats, share: float) -> float:
    """Variance of the counts over that of chance, 1 where it is not clearly above.

    From differences of neighbours, which see no lasting rise; of blocks too, since a
    lot that spans several stretches shows only there. The largest over the scales.
    What chance alone would give is drawn at `share`, with a seed of its own.

    :param n: units of each stretch. :param defective: those with the defect.
    """
    seen = n > 0
    n, defective = n[seen], defective[seen]
    if share <= 0.0:
        return 1.0
    draws = np.random.default_rng(0).poisson(n * share, (DRAWS, n.size))
    found = 1.0
    for size in SCALES:
        if n.size < LEAST_BLOCKS * size:
            break
        chance = _spread(n, draws.astype(np.float64), size)
        spread = float(_spread(n, defective[None, :], size)[0])
        if spread > np.quantile(chance, CLEARLY):
            found = max(found, spread / float(chance.mean()))
    return found


def _spread(n: Floats, counts: Floats, size: int) -> Floats:
    """Mean squared difference of neighbouring blocks over its variance by chance.

    :param counts: a series in each row; :returns: one value for each.
    """
    blocks = n.size // size
    units = n[: blocks * size].reshape(blocks, size).sum(axis=1)
    found = counts[:, : blocks * size].reshape(-1, blocks, size).sum(axis=2)
    apart = np.diff(found / units, axis=1) ** 2
    pooled = (found[:, 1:] + found[:, :-1]) / (units[1:] + units[:-1])
    usual = pooled * (1.0 / units[1:] + 1.0 / units[:-1])
    ratio = np.sort(apart / np.maximum(usual, 1e-12), axis=1)
    cut = max(2, round(CUT * ratio.shape[1]))
    means: Floats = ratio[:, :-cut].mean(axis=1)
    return means
