"""How strong one cause is: relative risk, attributable defects, rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from analytics.core import evidence
from analytics.core.arrays import Bools, Floats, group_sums
from analytics.core.finemap import Fit, Task
from analytics.core.results import Interval

TAIL = 0.025


@dataclass(frozen=True)
class Strength:
    """Of one set of exposed units, everything else being as the fit has it.

    Rates are defective units over inspected units, without correction. Intervals
    hold 95 %.
    """

    risk: float
    risk_interval: Interval
    exposed_units: int
    exposed_rate: float
    other_rate: float
    attributable: float
    attributable_interval: Interval
    log_evidence: float


def strength_of(
    task: Task, expected: Floats, exposed: Bools, inspected: Bools
) -> Strength:
    """Strength of the exposed units as a cause; `expected` is without that cause."""
    found = task.observed.astype(bool)
    likelihood = _likelihood(task, expected, exposed)
    posterior = evidence.risk_posterior(likelihood)
    defective = int((found & exposed).sum())
    n = int((inspected & exposed).sum())
    others = int((inspected & ~exposed).sum())
    excess = np.maximum(1.0 - 1.0 / evidence.RISKS, 0.0)
    return Strength(
        risk=float(np.exp(posterior @ evidence.LOG_RISKS)),
        risk_interval=_interval(posterior, evidence.RISKS),
        exposed_units=n,
        exposed_rate=defective / max(n, 1),
        other_rate=int((found & ~exposed).sum()) / max(others, 1),
        attributable=float(defective * (posterior @ excess)),
        attributable_interval=_count_interval(posterior, excess, defective),
        log_evidence=float(evidence.log_ratio(likelihood[None, :])[0]),
    )


def expected_without(fit: Fit, hypotheses: list[int]) -> Floats:
    """Expected defects under all effects but the one that holds these hypotheses."""
    held = [float(effect.weights[hypotheses].sum()) for effect in fit.effects]
    return fit.expected(without=int(np.argmax(held)))


def _likelihood(task: Task, expected: Floats, exposed: Bools) -> Floats:
    def by_stratum(weights: Floats) -> Floats:
        return group_sums(task.strata, weights, task.n_strata)

    likelihood: Floats = evidence.log_likelihood(
        by_stratum(task.observed * exposed)[None, :],
        by_stratum(expected * exposed)[None, :],
        by_stratum(task.observed),
        by_stratum(expected),
    )[0]
    return likelihood


def _interval(posterior: Floats, values: Floats) -> Interval:
    """Central 95 % of a posterior over a grid, between grid points."""
    running = np.cumsum(posterior) - 0.5 * posterior
    low, high = np.interp([TAIL, 1 - TAIL], running, np.log(values))
    return float(np.exp(low)), float(np.exp(high))


def _count_interval(posterior: Floats, excess: Floats, defective: int) -> Interval:
    """Of the defective exposed units, how many would not be without the cause."""
    counts = np.arange(defective + 1)
    running = posterior @ binom.cdf(counts[None, :], defective, excess[:, None])
    low = int(np.searchsorted(running, TAIL))
    high = int(np.searchsorted(running, 1 - TAIL))
    return float(min(low, defective)), float(min(high, defective))
