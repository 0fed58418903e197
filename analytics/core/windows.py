"""Hypotheses of time alone: something that nobody recorded was wrong."""

from __future__ import annotations

import numpy as np

from analytics.core.cells import UNITS_PER_BIN, Claim, Family, family_of
from analytics.core.population import Population

HIDDEN_BINS = 64
HIDDEN_SCALES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Lengths of windows in bins; an onset lasts to the end."""


def hidden_family(population: Population) -> Family:
    """Something that is not recorded: windows of time at several scales, onsets."""
    n = population.size
    bins = max(min(HIDDEN_BINS, n // UNITS_PER_BIN), 1)
    unit = np.arange(n, dtype=np.int64)
    cell = unit * bins // max(n, 1)
    began = np.full(bins + 1, np.inf)
    np.minimum.at(began, cell, population.completed)
    start, stop, prior, claims = [], [], [], []
    scales = [scale for scale in HIDDEN_SCALES if scale <= bins // 2]
    for scale in scales:
        begins = range(1, bins - scale, max(scale // 2, 1))
        for k in begins:
            start.append(k)
            stop.append(k + scale)
            prior.append(0.5 / len(scales) / len(begins))
            claims.append(
                Claim("hidden", "", "", "window", "", began[k], began[k + scale])
            )
    for k in range(1, bins):
        start.append(k)
        stop.append(bins)
        prior.append(0.5 / (bins - 1))
        claims.append(Claim("hidden", "", "", "since", "", began[k]))
    return family_of(unit, cell, population.completed, bins, start, stop, prior, claims)
