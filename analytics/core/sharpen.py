"""From the cell of a hypothesis to the very unit: where a threshold or an onset lies.

Hypotheses are cut at quantile points, which is enough to find a cause. Once found, the
cut is placed between two neighbouring units: the likelihood can only peak next to a
defective one, so those are the places to look at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics.core import evidence
from analytics.core.arrays import Bools, Floats, Ints, group_sums, log_sum_exp
from analytics.core.claims import Claim
from analytics.core.factors import Categorical, Numeric
from analytics.core.finemap import Task
from analytics.core.onset import Onset

MOST_PLACES = 600
TAIL = 0.025
REACH = 2.5
"""How far a threshold may move: times the units that are exposed, either way."""


@dataclass(frozen=True)
class Sharp:
    """A claim with its cut in place, its units, and when it began if that is dated.

    `exposed`: met it before they were looked at. `met`: at any time.
    """

    claim: Claim
    exposed: Bools
    met: Bools
    onset: Onset | None = None


def sharpened(
    task: Task,
    expected: Floats,
    claim: Claim,
    exposed: Bools,
    factor: Numeric | Categorical | None,
    seen_at: Floats,
) -> Sharp:
    """The same claim cut where the defects say; `expected` is without its effect.

    `seen_at`: seconds, when each unit was looked at; later is no exposure.
    """
    if isinstance(factor, Numeric) and claim.shape in ("above", "below"):
        return _threshold(task, expected, claim, exposed, factor, seen_at)
    if isinstance(factor, Categorical) and claim.shape == "onset":
        return _onset(task, expected, claim, exposed, factor, seen_at)
    if isinstance(factor, Categorical) and claim.shape == "level":
        met = np.zeros(exposed.size, dtype=bool)
        met[factor.unit[factor.level == factor.levels.index(claim.level)]] = True
        return Sharp(claim, exposed, met)
    return Sharp(claim, exposed, exposed)


def _threshold(
    task: Task,
    expected: Floats,
    claim: Claim,
    exposed: Bools,
    factor: Numeric,
    seen_at: Floats,
) -> Sharp:
    known, early = np.isfinite(factor.values), ~(factor.at > seen_at)
    if claim.level:
        known &= factor.equipment == factor.machines.index(claim.level)
    units = np.flatnonzero(known & early & (task.baseline > 0))
    if not units.size:
        return Sharp(claim, exposed, exposed)
    sign = 1.0 if claim.shape == "above" else -1.0
    values = sign * factor.values[units].astype(np.float64)
    order = np.argsort(-values, kind="stable")
    units, values = units[order], values[order]
    ends = np.append(values[1:] != values[:-1], True)
    n = int(exposed[units].sum())
    near = np.arange(units.size)
    ends &= (near < REACH * n) & (near + 1 > n / REACH)
    places = _places(task, units, ends)
    if not places.size:
        return Sharp(claim, exposed, exposed)
    best = int(places[np.argmax(_evidence(task, expected, units, places))])
    below = values[best + 1] if best + 1 < values.size else values[best]
    cut = sign * (values[best] + below) / 2
    beyond = known & (sign * factor.values > sign * cut)
    return Sharp(replace(claim, cut=float(cut)), beyond & early, beyond)


def _onset(
    task: Task,
    expected: Floats,
    claim: Claim,
    exposed: Bools,
    factor: Categorical,
    seen_at: Floats,
) -> Sharp:
    """Over all units of the level in time; the interval is of the posterior."""
    own = factor.level == factor.levels.index(claim.level)
    at = np.full(task.observed.size, np.nan)
    at[factor.unit[own]] = factor.at[own]
    early = ~(at > seen_at)
    units = np.flatnonzero(np.isfinite(at) & early & (task.baseline > 0))
    units = units[np.argsort(-at[units], kind="stable")]
    if units.size < 2:
        return Sharp(claim, exposed, exposed)
    step = max(units.size // (4 * MOST_PLACES), 1)
    places = np.union1d(
        np.arange(0, units.size - 1, step),
        _places(task, units, np.ones(units.size, dtype=bool)),
    )
    logs = _evidence(task, expected, units, places)
    times = at[units[places]]
    onset = _interval(logs, times, np.diff(places, append=units.size))
    since = replace(claim, cut=onset.at)
    met = at >= onset.at
    return Sharp(since, met & early, met, onset)


def _interval(logs: Floats, times: Floats, width: Ints) -> Onset:
    """The middle of the posterior, and 95 % of it; `times` fall.

    The middle is on average nearest to the truth.
    """
    weights = np.exp(logs - log_sum_exp(logs)) * width
    running = np.cumsum(weights[::-1]) / weights.sum()
    rising = times[::-1]
    places = np.searchsorted(running, [0.5, TAIL, 1 - TAIL])
    middle, low, high = rising[np.minimum(places, rising.size - 1)]
    return Onset(float(middle), float(low), float(high))


def _places(task: Task, units: Ints, ends: Bools) -> Ints:
    """Where a set that is filled in this order may end: after a defective unit."""
    places = np.flatnonzero(ends & (task.observed[units] > 0))
    if places.size > MOST_PLACES:
        places = places[np.linspace(0, places.size - 1, MOST_PLACES).astype(int)]
    return places


def _evidence(task: Task, expected: Floats, units: Ints, places: Ints) -> Floats:
    """Log likelihood, risk integrated out, of the set that ends at each place."""
    observed = _running(task, task.observed, units)[places]
    exposed = _running(task, expected, units)[places]
    total = group_sums(task.strata, task.observed, task.n_strata)
    whole = group_sums(task.strata, expected, task.n_strata)
    logs = evidence.log_likelihood(observed, exposed, total, whole) @ evidence.TO_RISKS
    return log_sum_exp(logs + evidence.LOG_RAISED, axis=1)


def _running(task: Task, weights: Floats, units: Ints) -> Floats:
    """Sums over the first units by stratum, (units, strata)."""
    parts = np.zeros((units.size, task.n_strata))
    parts[np.arange(units.size), task.strata[units]] = weights[units]
    running: Floats = np.cumsum(parts, axis=0)
    return running
