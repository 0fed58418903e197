"""When something began: change points with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Bools, Floats, log_sum_exp, x_log_x

LEAST_EVIDENCE = 8.0
"""Log likelihood ratio below which a change point is not stated."""
EDGE = 5


@dataclass(frozen=True)
class Onset:
    """A change at `at` (seconds), 95 % sure to lie between `low` and `high`."""

    at: float
    low: float
    high: float


def rise_of_share(flags: Bools, at: Floats) -> Onset | None:
    """When the share of flagged units rose; None where it did not clearly rise.

    One Bernoulli change point over units in order of `at`, each place equally
    likely before the data (Smith 1975); the interval is of the posterior.
    """
    n = flags.size
    if n < 4 * EDGE:
        return None
    before_n = np.arange(n, dtype=np.float64)
    after_n = n - before_n
    after = np.cumsum(flags[::-1].astype(np.float64))[::-1]
    before = after[0] - after
    split = _fit(before, before_n) + _fit(after, after_n)
    gain = split - _fit(after[:1], after_n[:1])[0]
    risen = after * np.maximum(before_n, 1) > before * after_n
    gain = np.where(risen, gain, -np.inf)
    gain[:EDGE] = -np.inf
    gain[-EDGE:] = -np.inf
    if not gain.max() > LEAST_EVIDENCE:
        return None
    return posterior_onset(gain, at)


def posterior_onset(log_weights: Floats, at: Floats) -> Onset:
    """The likeliest time and the central 95 % of a posterior over times."""
    weights = np.exp(log_weights - log_sum_exp(log_weights))
    order = np.argsort(at, kind="stable")
    running = np.cumsum(weights[order])
    times = at[order]
    best = float(at[int(np.argmax(log_weights))])
    low = float(times[min(int(np.searchsorted(running, 0.025)), times.size - 1)])
    high = float(times[min(int(np.searchsorted(running, 0.975)), times.size - 1)])
    return Onset(best, min(low, best), max(high, best))


def _fit(found: Floats, n: Floats) -> Floats:
    """Log likelihood of a Bernoulli series at its own share."""
    size = np.maximum(n, 1.0)
    fit: Floats = x_log_x(found, size) + x_log_x(n - found, size)
    return fit
