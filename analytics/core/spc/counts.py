"""Distributions of counts on 0, 1, 2, … as arrays of probabilities. numpy only."""

from __future__ import annotations

import math

import numpy as np

from analytics.core.arrays import Floats

FAR = 12.0
"""Counts further from the mean than this many standard deviations never come."""


def binomial(n: int, share: float) -> Floats:
    """Probabilities of 0..n defective among `n` at a share of defectives 0..1."""
    if share <= 0.0 or share >= 1.0:
        certain = np.zeros(n + 1)
        certain[n if share >= 1.0 else 0] = 1.0
        return certain
    k = np.arange(n + 1, dtype=np.float64)
    logs = _log_factorials(n)
    log_p = logs[n] - logs - logs[::-1]
    log_p += k * math.log(share) + (n - k) * math.log1p(-share)
    return _normalised(log_p)


def poisson(mean: float) -> Floats:
    """Probabilities of 0, 1, … for a Poisson count, up to where none are left."""
    most = math.ceil(mean + FAR * math.sqrt(mean) + FAR)
    if mean <= 0.0:
        return np.array([1.0])
    log_p = np.arange(most + 1) * math.log(mean) - _log_factorials(most)
    return _normalised(log_p)


def dispersed(mean: float, dispersion: float) -> Floats:
    """Negative binomial of this mean whose variance is `dispersion` times it.

    Poisson at 1 or below (Greenwood and Yule 1920).
    """
    if dispersion <= 1.0 + 1e-9 or mean <= 0.0:
        return poisson(mean)
    spread = dispersion * (mean + FAR * math.sqrt(mean) + FAR)
    k = np.arange(1, math.ceil(mean + spread) + 1, dtype=np.float64)
    shape = mean / (dispersion - 1.0)
    steps = np.log((shape + k - 1.0) / k) + math.log(1.0 - 1.0 / dispersion)
    return _normalised(np.concatenate([[0.0], np.cumsum(steps)]))


def _log_factorials(most: int) -> Floats:
    logs = np.log(np.maximum(np.arange(most + 1, dtype=np.float64), 1.0))
    sums: Floats = np.cumsum(logs)
    return sums


def _normalised(log_p: Floats) -> Floats:
    weights: Floats = np.exp(log_p - log_p.max())
    weights /= weights.sum()
    return weights
