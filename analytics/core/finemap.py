"""Separation: a sum of single effects, by iterative Bayesian stepwise selection.

After Wang, Sarkar, Carbonetto and Stephens (2020), "A simple new approach to
variable selection in regression, with application to genetic fine mapping", with
counts in place of Gaussian outcomes: each effect raises the risk of one set of
units, which one is uncertain, and "none" is one of the answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from analytics.core import evidence, noise
from analytics.core.arrays import Floats, Ints, log_sum_exp
from analytics.core.cells import CellSpace

PRIOR_NONE = 0.6
"""Prior of each effect that it does not exist."""
KEPT_SHARE = 1e-3
TOLERANCE = 1e-3
ROUNDS = 12
MOST_REFINED = 640
MARGIN = 8.0


@dataclass(frozen=True)
class Effect:
    """One effect: the posterior of each hypothesis, what is left is "none".

    `factor`: expected multiple of the risk of each unit.
    """

    weights: Floats
    factor: Floats

    @property
    def none(self) -> float:
        return float(max(0.0, 1.0 - self.weights.sum()))


@dataclass(frozen=True)
class Fit:
    """All effects found, and the expected defects of each unit without them."""

    effects: tuple[Effect, ...]
    baseline: Floats

    def expected(self, without: int | None = None) -> Floats:
        """Expected defects of each unit, leaving one effect out if asked."""
        expected = self.baseline.copy()
        for number, effect in enumerate(self.effects):
            if number != without:
                expected *= effect.factor
        return expected

    def inclusion(self) -> Floats:
        """Probability that a hypothesis is one of the effects, (hypotheses,)."""
        missing = [1.0 - effect.weights for effect in self.effects]
        inclusion: Floats = 1.0 - np.prod(missing, axis=0)
        return inclusion


@dataclass(frozen=True)
class Task:
    """The data of one problem: `space` holds only what can be a cause of it."""

    space: CellSpace
    observed: Floats
    baseline: Floats
    strata: Ints
    n_strata: int
    sources: tuple[noise.Source, ...]


def fit(task: Task, most_effects: int) -> Fit:
    """Add effects while they are likelier than not, then repeat until nothing moves."""
    found = Fit((), task.baseline)
    for _ in range(most_effects):
        new = single_effect(task, found.expected())
        found = Fit((*found.effects, new), task.baseline)
        if new.none > 0.5:
            break
        found = _settled(task, found)
    return found


def _settled(task: Task, found: Fit) -> Fit:
    if len(found.effects) < 2:
        return found
    for _ in range(ROUNDS):
        moved = 0.0
        for number, old in enumerate(found.effects):
            new = single_effect(task, found.expected(without=number))
            moved = max(moved, float(np.abs(new.weights - old.weights).max()))
            effects = list(found.effects)
            effects[number] = new
            found = Fit(tuple(effects), task.baseline)
        if moved < TOLERANCE:
            break
    return found


def single_effect(task: Task, expected: Floats) -> Effect:
    """Spread one effect over all hypotheses, given the expected counts without it."""
    space = task.space
    counts = noise.Counts(task.observed, expected, task.strata, task.n_strata)
    total = counts.by_stratum(task.observed)
    total_expected = counts.by_stratum(expected)
    observed = space.sums(task.observed, task.strata, task.n_strata)
    exposed = space.sums(expected, task.strata, task.n_strata)
    screened = evidence.log_bayes_factors(observed, exposed, total, total_expected)
    factors = _refined(task, counts, screened)
    log_weights = factors + space.log_prior + np.log(1.0 - PRIOR_NONE)
    everything = log_sum_exp(np.append(log_weights, np.log(PRIOR_NONE)))
    weights = np.exp(log_weights - everything)
    kept = np.flatnonzero(weights > KEPT_SHARE)
    likelihood = evidence.log_likelihood(
        observed[kept], exposed[kept], total, total_expected
    )
    risks = evidence.risk_posterior(likelihood) @ evidence.RISKS
    factor = np.ones(expected.size)
    for hypothesis, risk in zip(kept, risks, strict=True):
        factor[space.members(int(hypothesis))] += weights[hypothesis] * (risk - 1.0)
    return Effect(weights, factor)


def _refined(task: Task, counts: noise.Counts, screened: Floats) -> Floats:
    """Weigh the promising hypotheses against the noise; the rest cannot catch up.

    A hypothesis is followed while it could come within `MARGIN` of the likeliest
    answer so far, "none" among them. The source that took most from the first one
    is asked first of the others.
    """
    sums = [noise.SourceSums.of(source, counts) for source in task.sources]
    factors, log_prior = screened.copy(), task.space.log_prior
    score = screened + log_prior
    best = float(np.log(PRIOR_NONE / (1.0 - PRIOR_NONE)))
    order = np.argsort(-score, kind="stable")
    for hypothesis in order[:MOST_REFINED]:
        if score[hypothesis] < best - MARGIN:
            break
        members = task.space.members(int(hypothesis))
        if hypothesis == order[0]:
            sums.sort(key=partial(noise.against, members, counts))
        enough = best - MARGIN - log_prior[hypothesis]
        value = noise.log_bayes_factor(members, counts, sums, enough)
        factors[hypothesis] = min(value, screened[hypothesis])
        best = max(best, float(factors[hypothesis] + log_prior[hypothesis]))
    left = order[MOST_REFINED:]
    factors[left] = np.minimum(factors[left], best - MARGIN - log_prior[left])
    return factors
