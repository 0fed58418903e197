"""Separation: a sum of single effects, by iterative Bayesian stepwise selection.

After Wang, Sarkar, Carbonetto and Stephens (2020), "A simple new approach to
variable selection in regression, with application to genetic fine mapping", with
counts in place of Gaussian outcomes: each effect raises the risk of one set of
units, which one is uncertain, and "none" is one of the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from analytics.core import evidence, noise
from analytics.core.arrays import AnyInts, Floats, Ints, group_sums, log_sum_exp
from analytics.core.cells import CellSpace, Family

PRIOR_NONE = 0.85
"""Prior of each effect that it does not exist."""
KEPT_SHARE = 1e-3
TOLERANCE = 0.01
ROUNDS = 8
MOST_REFINED = 480
BATCH = 48
NOBODY_EXPOSED = 1e-9
"""Expected defects below which a set has no inspected unit, rounding aside."""
MOST_ENTRIES = 4_000_000
MARGIN = 8.0
FAR = 14.0
"""Taken to lie this far behind: what is not followed, though noise was not weighed."""


@dataclass(frozen=True)
class Effect:
    """One effect: the posterior of each hypothesis, what is left is "none".

    `factor`: expected multiple of the risk of each unit. `log_factors`: log Bayes
    factor of each hypothesis against ordinary noise.
    """

    weights: Floats
    factor: Floats
    log_factors: Floats

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
class Made:
    """Sums of observed and baseline of a family, (hypotheses, strata), and scores."""

    family: Family
    observed: Floats
    baseline: Floats
    scores: Floats


@dataclass(frozen=True)
class Task:
    """The data of one problem: `space` holds only what can be a cause of it.

    `made`: what an earlier task of the problem knows, by identity of a family.
    """

    space: CellSpace
    observed: Floats
    baseline: Floats
    strata: AnyInts
    n_strata: int
    sources: tuple[noise.Source, ...]
    made: Mapping[int, Made] = field(default_factory=dict)

    def sums(self, weights: Floats) -> Floats:
        return self.space.sums(weights, self.strata, self.n_strata)

    def by_stratum(self, weights: Floats) -> Floats:
        return group_sums(self.strata, weights, self.n_strata)

    @cached_property
    def by_family(self) -> list[Made]:
        """What is known of each family before any effect is found."""
        families = self.space.families
        known = [self._known(family) for family in families]
        new = [f for f, made in zip(families, known, strict=True) if made is None]
        fresh = iter(self._made(CellSpace.of(new)))
        return [made or next(fresh) for made in known]

    def _known(self, family: Family) -> Made | None:
        made = self.made.get(id(family))
        return made if made is not None and made.family is family else None

    def _made(self, space: CellSpace) -> list[Made]:
        """Of all families at once, as they may be far away."""
        if not space.families:
            return []
        observed = space.sums(self.observed, self.strata, self.n_strata)
        baseline = space.sums(self.baseline, self.strata, self.n_strata)
        totals = self.by_stratum(self.observed), self.by_stratum(self.baseline)
        scores = evidence.log_bayes_factors(observed, baseline, *totals)
        ends = space.offsets[1:-1]
        parts = (np.split(values, ends) for values in (observed, baseline, scores))
        return [Made(*own) for own in zip(space.families, *parts, strict=True)]

    @cached_property
    def observed_sums(self) -> Floats:
        parts = [made.observed for made in self.by_family]
        return np.concatenate([np.zeros((0, self.n_strata)), *parts])

    @cached_property
    def baseline_sums(self) -> Floats:
        parts = [made.baseline for made in self.by_family]
        return np.concatenate([np.zeros((0, self.n_strata)), *parts])

    @cached_property
    def baseline_scores(self) -> Floats:
        """Log Bayes factor of each hypothesis before any effect is found."""
        return np.concatenate([np.zeros(0), *(m.scores for m in self.by_family)])

    def with_families(self, families: Sequence[Family]) -> Task:
        """The same data under other families; those it has are not summed again."""
        made = {
            id(family): own
            for family, own in zip(self.space.families, self.by_family, strict=True)
        }
        return replace(self, space=CellSpace.of(families), made=made)

    def expected_sums(self, expected: Floats) -> Floats:
        """Sums of expected defects: those of the baseline, and what differs from it."""
        differs: Floats = self.baseline_sums + self.sums(expected - self.baseline)
        return differs


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
    total, total_expected = task.by_stratum(task.observed), task.by_stratum(expected)
    if np.array_equal(expected, task.baseline):
        exposed, screened = task.baseline_sums, task.baseline_scores
    else:
        exposed = task.expected_sums(expected)
        screened = evidence.log_bayes_factors(
            task.observed_sums, exposed, total, total_expected
        )
    factors = _refined(task, counts, screened)
    log_weights = factors + space.log_prior + np.log(1.0 - PRIOR_NONE)
    log_weights[exposed.sum(axis=1) < NOBODY_EXPOSED] = -np.inf
    everything = log_sum_exp(np.append(log_weights, np.log(PRIOR_NONE)))
    weights = np.exp(log_weights - everything)
    kept = np.flatnonzero(weights > KEPT_SHARE)
    likelihood = evidence.log_likelihood(
        task.observed_sums[kept], exposed[kept], total, total_expected
    )
    risks = evidence.risk_posterior(likelihood @ evidence.TO_RISKS) @ evidence.RISKS
    factor = np.ones(expected.size)
    for hypothesis, risk in zip(kept, risks, strict=True):
        factor[space.members(int(hypothesis))] += weights[hypothesis] * (risk - 1.0)
    return Effect(weights, factor, factors)


def _refined(task: Task, counts: noise.Counts, screened: Floats) -> Floats:
    """Weigh the promising hypotheses against the noise; the rest cannot catch up.

    A hypothesis is followed while it could come within `MARGIN` of the likeliest
    answer so far, "none" among them.
    """
    sums = [noise.SourceSums.of(source, counts) for source in task.sources]
    factors, log_prior = screened.copy(), task.space.log_prior
    score = screened + log_prior
    best = float(np.log(PRIOR_NONE / (1.0 - PRIOR_NONE)))
    order = np.argsort(-score, kind="stable")[:MOST_REFINED]
    place = 0
    while place < order.size and score[order[place]] >= best - MARGIN:
        batch, members = _batch(task.space, order[place : place + BATCH])
        place += batch.size
        enough = best - MARGIN - log_prior[batch]
        factors[batch] = _worst(members, counts, sums, screened[batch], enough)
        best = max(best, float((factors[batch] + log_prior[batch]).max()))
    left = np.setdiff1d(np.arange(score.size), order[:place], assume_unique=True)
    factors[left] = np.minimum(factors[left], best - FAR - log_prior[left])
    return factors


def _batch(space: CellSpace, hypotheses: Ints) -> tuple[Ints, list[Ints]]:
    """The first hypotheses and their units, as many as are weighed at once."""
    members: list[Ints] = []
    entries = 0
    for hypothesis in hypotheses:
        if members and entries > MOST_ENTRIES:
            break
        members.append(space.members(int(hypothesis)))
        entries += members[-1].size
    return hypotheses[: len(members)], members


def _worst(
    members: list[Ints],
    counts: noise.Counts,
    sums: list[noise.SourceSums],
    screened: Floats,
    enough: Floats,
) -> Floats:
    """The smallest log Bayes factor of each set over the sources.

    A set that a source brings below `enough` is not weighed against the others. The
    source that took most is asked first of the next sets.
    """
    worst = screened.copy()
    taken = np.zeros(len(sums))
    alive = np.flatnonzero(worst >= enough)
    sets = noise.Sets.of([members[i] for i in alive], counts)
    for number, own in enumerate(sums):
        if not alive.size:
            break
        values = noise.against(sets, own)
        taken[number] = float((worst[alive] - values).max())
        worst[alive] = np.minimum(worst[alive], values)
        still = np.flatnonzero(worst[alive] >= enough[alive])
        if still.size < alive.size:
            alive, sets = alive[still], sets.kept(still)
    sums[:] = [sums[i] for i in np.argsort(-taken, kind="stable")]
    return worst
