"""Overdispersion: nothing in a plant is independent.

Lots, machines and hours differ from one another without being a cause. Each source
of such noise is a partition of the units into groups whose rates vary around the
expected one by a gamma factor of standard deviation t, so counts of groups are
negative binomial (Greenwood and Yule 1920). t is not fitted once but integrated
over, under "raised" and under "ordinary" apart: a real effect is not mistaken for
spread, and spread is not mistaken for an effect. A hypothesis must stand against
every source, so the smallest of its Bayes factors counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from analytics.core.arrays import Floats, Ints, group_sums, log_sum_exp
from analytics.core.evidence import LOG_ORDINARY, LOG_RAISED, LOG_RISKS, RISKS

SPREADS: Floats = np.array([0.05, 0.1, 0.2, 0.3, 0.45, 0.65])
LOG_SPREAD_PRIOR: Floats = np.log(np.array([0.2, 0.25, 0.27, 0.17, 0.08, 0.03]))
"""Of many groups, which show their spread themselves."""
LOG_SMALL_SPREAD_PRIOR: Floats = np.log(np.array([0.3, 0.3, 0.25, 0.15, 1e-9, 1e-9]))
"""Of a few groups (the machines of an operation), which cannot."""
SHAPES: Floats = 1.0 / SPREADS**2


@dataclass(frozen=True)
class Counts:
    """The units of one problem under the current model of everything else.

    One entry for each unit: `observed` 0/1, `expected` defects, `strata`.
    """

    observed: Floats
    expected: Floats
    strata: Ints
    n_strata: int

    def by_stratum(self, weights: Floats) -> Floats:
        return group_sums(self.strata, weights, self.n_strata)


@dataclass(frozen=True)
class Source:
    """A partition of the units into `n_groups` groups whose rates may vary.

    `log_prior`: of each of `SPREADS`.
    """

    name: str
    group: Ints
    n_groups: int
    log_prior: Floats


@dataclass(frozen=True)
class SourceSums:
    """What a source needs of the counts; made once for each state of the model."""

    source: Source
    observed: Floats
    expected: Floats
    constant: Floats

    @classmethod
    def of(cls, source: Source, counts: Counts) -> SourceSums:
        observed = group_sums(source.group, counts.observed, source.n_groups)
        code = source.group * counts.n_strata + counts.strata
        expected = group_sums(
            code, counts.expected, source.n_groups * counts.n_strata
        ).reshape(source.n_groups, counts.n_strata)
        shapes = SHAPES[:, None]
        constant = (
            gammaln(observed + shapes) - gammaln(shapes) + shapes * np.log(shapes)
        ).sum(axis=1)
        return cls(source, observed, expected, constant)


def log_bayes_factor(
    members: Ints, counts: Counts, sums: list[SourceSums], enough: float
) -> float:
    """Log Bayes factor of raised against ordinary, the worst over the sources.

    Stops at the first source that brings it below `enough`.
    """
    worst = np.inf
    for own in sums:
        worst = min(worst, against(members, counts, own))
        if worst < enough:
            break
    return worst


def against(members: Ints, counts: Counts, sums: SourceSums) -> float:
    """Log Bayes factor of raised against ordinary under one source of noise."""
    likelihood = _likelihood(members, counts, sums)
    likelihood = likelihood + (sums.constant + sums.source.log_prior)[:, None]
    return float(
        log_sum_exp(likelihood + LOG_RAISED) - log_sum_exp(likelihood + LOG_ORDINARY)
    )


def _likelihood(members: Ints, counts: Counts, sums: SourceSums) -> Floats:
    """Log likelihood up to `constant`, (spreads, risks)."""
    source, n_strata = sums.source, counts.n_strata
    code = source.group[members] * n_strata + counts.strata[members]
    exposed = group_sums(
        code, counts.expected[members], source.n_groups * n_strata
    ).reshape(source.n_groups, n_strata)
    more = RISKS - 1.0
    total = sums.expected.sum(axis=0)
    grown = total[:, None] + more * exposed.sum(axis=0)[:, None]
    found = counts.by_stratum(counts.observed)
    level = np.maximum(found, 1e-9)[:, None] / np.maximum(grown, 1e-12)
    mean = sums.expected @ level + (exposed @ level) * more
    tail = np.log(SHAPES[:, None, None] + mean)
    weight = SHAPES[:, None] + sums.observed
    spread = -(weight[:, None, :] @ tail)[:, 0, :]
    gained = counts.observed[members].sum() * LOG_RISKS
    likelihood: Floats = spread + gained + found @ np.log(level)
    return likelihood
