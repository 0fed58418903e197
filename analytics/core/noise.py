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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import AnyInts, Floats, Ints, group_sums, log_sum_exp
from analytics.core.evidence import LOG_NODES, NODES, TO_RISKS, log_ratio

SPREADS: Floats = np.array([0.05, 0.1, 0.2, 0.3, 0.45, 0.65, 0.9])
LOG_SPREAD_PRIOR: Floats = np.log([0.2, 0.27, 0.31, 0.19, 0.025, 0.004, 0.001])
"""Of many groups, which show their spread themselves."""
LOG_SMALL_SPREAD_PRIOR: Floats = np.log([0.3, 0.3, 0.25, 0.15, 1e-9, 1e-9, 1e-9])
"""Of a few groups (the machines of an operation), which cannot."""
SHAPES: Floats = 1.0 / SPREADS**2


@dataclass(frozen=True)
class Counts:
    """The units of one problem under the current model of everything else.

    One entry for each unit: `observed` 0/1, `expected` defects, `strata`.
    """

    observed: Floats
    expected: Floats
    strata: AnyInts
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
class Sets:
    """Several sets of units, one after the other: `owner` says whose each unit is.

    `expected`: of each unit; `observed`: defects of each set.
    """

    unit: Ints
    owner: Ints
    n: int
    expected: Floats
    observed: Floats

    @classmethod
    def of(cls, members: Sequence[Ints], counts: Counts) -> Sets:
        sizes = [own.size for own in members]
        owner = np.repeat(np.arange(len(members)), sizes)
        unit = np.concatenate([np.zeros(0, np.int64), *members])
        observed = group_sums(owner, counts.observed[unit], len(sizes))
        return cls(unit, owner, len(sizes), counts.expected[unit], observed)

    def kept(self, which: Ints) -> Sets:
        """Only some of the sets, in this order."""
        number = np.full(self.n, -1, dtype=np.int64)
        number[which] = np.arange(which.size)
        own = number[self.owner] >= 0
        return Sets(
            self.unit[own],
            number[self.owner[own]],
            which.size,
            self.expected[own],
            self.observed[which],
        )

    def exposed(self, code: Ints, n_codes: int) -> Floats:
        """Expected defects of each set by code of its units, (sets, codes)."""
        place = self.owner * n_codes + code[self.unit]
        sums = group_sums(place, self.expected, self.n * n_codes)
        return sums.reshape(self.n, n_codes)


@dataclass(frozen=True)
class SourceSums:
    """What a source needs of the counts; made once for each state of the model.

    `code`: of group and stratum, one for each unit. `observed`: (groups,).
    `expected`: (groups, strata). `total`: defects by stratum.
    """

    source: Source
    code: Ints
    observed: Floats
    expected: Floats
    total: Floats
    constant: Floats

    @classmethod
    def of(cls, source: Source, counts: Counts) -> SourceSums:
        observed = group_sums(source.group, counts.observed, source.n_groups)
        code = source.group * counts.n_strata + counts.strata
        shape = (source.n_groups, counts.n_strata)
        expected = group_sums(code, counts.expected, shape[0] * shape[1]).reshape(shape)
        constant = _log_rising(observed) + source.n_groups * SHAPES * np.log(SHAPES)
        total = counts.by_stratum(counts.observed)
        return cls(source, code, observed, expected, total, constant)


def _log_rising(observed: Floats) -> Floats:
    """Sum over groups of log Γ(o + shape) - log Γ(shape), for each of `SHAPES`."""
    counts = observed.astype(np.int64)
    steps = np.log(SHAPES[:, None] + np.arange(counts.max(initial=0)))
    rising = np.concatenate([np.zeros((SHAPES.size, 1)), np.cumsum(steps, axis=1)], 1)
    total: Floats = rising[:, counts].sum(axis=1)
    return total


def spread_of(sums: SourceSums) -> float:
    """Expected variance of the log rate between groups, when no risk is raised."""
    return float(_spread_posterior(sums) @ SPREADS**2)


def _spread_posterior(sums: SourceSums) -> Floats:
    """Weight of each of `SPREADS`, when no risk is raised."""
    level = sums.total / np.maximum(sums.expected.sum(axis=0), 1e-12)
    mean = sums.expected @ level
    weight = SHAPES[:, None] + sums.observed
    logs = sums.constant - (weight * np.log(SHAPES[:, None] + mean)).sum(axis=1)
    logs = logs + sums.source.log_prior
    posterior: Floats = np.exp(logs - log_sum_exp(logs))
    return posterior


def against(sets: Sets, sums: SourceSums) -> Floats:
    """Log Bayes factor of raised against ordinary under one source, (sets,)."""
    groups, strata = sums.expected.shape
    exposed = sets.exposed(sums.code, groups * strata).reshape(-1, groups, strata)
    likelihood = _likelihood(exposed, sets.observed, sums) @ TO_RISKS
    likelihood += (sums.constant + sums.source.log_prior)[None, :, None]
    return log_ratio(log_sum_exp(likelihood, axis=1))


def _likelihood(exposed: Floats, found: Floats, sums: SourceSums) -> Floats:
    """Log likelihood up to `constant`, (sets, spreads, `NODES`).

    `exposed`: expected defects of each set, (sets, groups, strata); `found`: observed
    ones, (sets,). The rate of each stratum is profiled out at every risk.
    """
    more = NODES - 1.0
    whole = sums.expected.sum(axis=0)
    grown = whole[None, :, None] + exposed.sum(axis=1)[:, :, None] * more
    level = np.maximum(sums.total, 1e-9)[:, None] / np.maximum(grown, 1e-12)
    mean = sums.expected @ level + (exposed @ level) * more
    logs = np.empty((len(found), SPREADS.size, NODES.size))
    for k, shape in enumerate(SHAPES):
        tail = np.log(shape + mean)
        logs[:, k, :] = -np.einsum("g,hgr->hr", shape + sums.observed, tail)
    logs += (found[:, None] * LOG_NODES)[:, None, :]
    logs += np.einsum("s,hsr->hr", sums.total, np.log(level))[:, None, :]
    return logs
