"""Hypotheses of time alone: something that nobody recorded was wrong."""

from __future__ import annotations

import numpy as np

from analytics.core.cells import UNITS_PER_BIN, Family
from analytics.core.claims import Simple
from analytics.core.population import Population

HIDDEN_BINS = 96
HIDDEN_SCALES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
"""Lengths of windows in bins; an onset lasts to the end."""
WINDOW_SHARE = 0.5


def hidden_family(population: Population) -> Family:
    """Something that is not recorded: windows of time at several scales, onsets."""
    n = population.size
    bins = max(min(HIDDEN_BINS, n // UNITS_PER_BIN), 1)
    cell = (np.arange(n, dtype=np.int64) * bins // max(n, 1)).astype(np.uint8)
    began = np.full(bins + 1, np.inf)
    np.minimum.at(began, cell, population.completed)
    start, stop, prior = _windows(bins)
    onset = stop == bins
    untils = np.where(onset, np.nan, began[stop])
    shapes = np.where(onset, "since", "window").tolist()
    claims = Simple("hidden", "", "", shapes, [""] * len(shapes), began[start], untils)
    return Family(None, cell, None, bins, start, stop, np.log(prior), claims)


def _windows(bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First bin, bin after the last, and prior share of every window and onset."""
    onsets = np.arange(1, bins)
    parts = [
        (onsets, np.full(onsets.size, bins), (1 - WINDOW_SHARE) / max(bins - 1, 1))
    ]
    scales = [scale for scale in HIDDEN_SCALES if scale <= bins // 2]
    for scale in scales:
        begins = np.arange(1, bins - scale, max(scale // 2, 1))
        share = WINDOW_SHARE / len(scales) / max(begins.size, 1)
        parts.append((begins, begins + scale, share))
    start = np.concatenate([begin for begin, _, _ in parts]).astype(np.int64)
    stop = np.concatenate([end for _, end, _ in parts]).astype(np.int64)
    prior = np.concatenate([np.full(begin.size, share) for begin, _, share in parts])
    return start, stop, prior
