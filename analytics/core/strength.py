"""How strong one cause is: relative risk, attributable defects, rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.core import evidence, noise
from analytics.core.arrays import Bools, Floats, group_sums
from analytics.core.finemap import Fit, Task
from analytics.core.results import Interval
from analytics.core.spc import NORMAL_95

TAIL = 0.025
GRID = 241
MANY = 2000
"""Defects from which the normal distribution of a count is near enough."""
Likelihood = Callable[[Floats], Floats]


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
    task: Task,
    expected: Floats,
    exposed: Bools,
    inspected: Bools,
    wander: float = 0.0,
) -> Strength:
    """Strength of the exposed units as a cause; `expected` is without that cause.

    `wander`: how much the rate of such a set differs from the expected one without
    any cause, as a standard deviation of its log.
    """
    found = task.observed.astype(bool)
    likelihood = _likelihood(task, expected, exposed)
    log_risks, posterior = _posterior(likelihood, wander)
    defective = int((found & exposed).sum())
    n = int((inspected & exposed).sum())
    others = int((inspected & ~exposed).sum())
    excess = np.maximum(1.0 - np.exp(-log_risks), 0.0)
    coarse = likelihood(evidence.RISKS)[None, :]
    return Strength(
        risk=float(np.exp(posterior @ log_risks)),
        risk_interval=_interval(posterior, log_risks),
        exposed_units=n,
        exposed_rate=defective / max(n, 1),
        other_rate=int((found & ~exposed).sum()) / max(others, 1),
        attributable=float(defective * (posterior @ excess)),
        attributable_interval=_count_interval(posterior, excess, defective),
        log_evidence=float(evidence.log_ratio(coarse)[0]),
    )


def _posterior(likelihood: Likelihood, wander: float) -> tuple[Floats, Floats]:
    """Log risks, evenly spaced where it matters, and their posterior weights.

    The rate of the set is its risk times an ordinary factor, log-normal with standard
    deviation `wander`, which is integrated out.
    """
    rough = evidence.risk_posterior(likelihood(evidence.RISKS)[None, :])[0]
    middle = float(rough @ evidence.LOG_RISKS)
    spread = np.sqrt(float(rough @ (evidence.LOG_RISKS - middle) ** 2) + wander**2)
    reach = 6.0 * max(spread, 0.002)
    grid = middle + np.linspace(-reach, reach, GRID)
    logs = likelihood(np.exp(grid))
    weights = np.exp(logs - logs.max())
    if wander > 0.0:
        steps = np.arange(-GRID + 1, GRID) * (grid[1] - grid[0])
        kernel = np.exp(-0.5 * (steps / wander) ** 2)
        weights = np.convolve(kernel, weights, mode="valid")
    weights = weights * np.exp(evidence.log_density(evidence.RAISED, grid))
    posterior: Floats = weights / weights.sum()
    return grid, posterior


def spreads_of(task: Task, fit: Fit) -> list[float]:
    """Variance of the log rate between the groups of each source, effects apart."""
    fitted = fit.expected()
    counts = noise.Counts(task.observed, fitted, task.strata, task.n_strata)
    return [noise.spread_of(noise.SourceSums.of(s, counts)) for s in task.sources]


def wander_of(
    task: Task, expected: Floats, spreads: list[float], exposed: Bools
) -> float:
    """How much the log rate of a set of units differs without any cause (sd).

    Each source of noise adds its variance between groups, the less the more groups
    the set is spread over. `spreads`: of each source.
    """
    members = np.flatnonzero(exposed)
    variance = 0.0
    for source, spread in zip(task.sources, spreads, strict=True):
        parts = group_sums(source.group[members], expected[members], source.n_groups)
        parts = parts / max(float(parts.sum()), 1e-12)
        variance += spread * float(parts @ parts)
    return float(np.sqrt(variance))


def expected_without(fit: Fit, hypotheses: list[int]) -> Floats:
    """Expected defects under all effects but the one that holds these hypotheses."""
    held = [float(effect.weights[hypotheses].sum()) for effect in fit.effects]
    return fit.expected(without=int(np.argmax(held)))


def _likelihood(task: Task, expected: Floats, exposed: Bools) -> Likelihood:
    """Log likelihood of risks, up to a constant."""

    def by_stratum(weights: Floats) -> Floats:
        return group_sums(task.strata, weights, task.n_strata)

    sums = (
        by_stratum(task.observed * exposed)[None, :],
        by_stratum(expected * exposed)[None, :],
        by_stratum(task.observed),
        by_stratum(expected),
    )
    return lambda risks: evidence.log_likelihood(*sums, risks)[0]


def _interval(posterior: Floats, log_risks: Floats) -> Interval:
    """Central 95 % of a posterior over a grid, between grid points."""
    running = np.cumsum(posterior) - 0.5 * posterior
    low, high = np.interp([TAIL, 1 - TAIL], running, log_risks)
    return float(np.exp(low)), float(np.exp(high))


def _count_interval(posterior: Floats, excess: Floats, defective: int) -> Interval:
    """Of the defective exposed units, how many would not be without the cause.

    Each is one with the chance `excess`; of many, the count is taken as normal.
    """
    if defective > MANY:
        return _normal_interval(posterior, defective * excess, defective)
    running = np.cumsum(posterior @ _binomial(defective, excess))
    low = int(np.searchsorted(running, TAIL))
    high = int(np.searchsorted(running, 1 - TAIL))
    return float(min(low, defective)), float(min(high, defective))


def _normal_interval(posterior: Floats, means: Floats, defective: int) -> Interval:
    middle = float(posterior @ means)
    variance = posterior @ (means - middle) ** 2
    variance += posterior @ (means * (1.0 - means / defective))
    reach = NORMAL_95 * float(np.sqrt(variance))
    return max(middle - reach, 0.0), min(middle + reach, float(defective))


def _binomial(n: int, chances: Floats) -> Floats:
    """Probability of each count 0..n for each chance, (chances, counts)."""
    counts = np.arange(n + 1)
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    ways = factorial[n] - factorial[counts] - factorial[n - counts]
    inside = np.clip(chances, 1e-12, 1 - 1e-12)[:, None]
    logs = ways + counts * np.log(inside) + (n - counts) * np.log1p(-inside)
    chance: Floats = np.exp(logs)
    return chance
