"""One bundle made ready: population, factors and hypotheses, shared by all classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analytics.core.arrays import Bools, Floats, group_sums
from analytics.core.cells import CellSpace
from analytics.core.claims import EVERYWHERE, Claim
from analytics.core.factors import (
    Categorical,
    Numeric,
    Visit,
    age_factors,
    categorical_factors,
    reading_factors,
    visits,
)
from analytics.core.far import FarReadings, Reading, here
from analytics.core.finemap import Task
from analytics.core.frames import Bundle
from analytics.core.gaps import not_recorded
from analytics.core.hypotheses import hypothesis_space
from analytics.core.noise import (
    LOG_SMALL_SPREAD_PRIOR,
    LOG_SPREAD_PRIOR,
    Source,
)
from analytics.core.population import Outcome, Population

TIME_GROUPS = 30
MANY_LEVELS = 6
MOST_GROUPS = 128


@dataclass(frozen=True)
class Study:
    """What is known of all units before one class of defect is looked at."""

    bundle: Bundle
    population: Population
    met: dict[str, Visit]
    categorical: tuple[Categorical, ...]
    numeric: tuple[Reading, ...]
    space: CellSpace
    sources: tuple[Source, ...]
    gaps: tuple[dict[str, str], ...]
    order: dict[str, int]

    @classmethod
    def of(cls, bundle: Bundle) -> Study:
        population = Population.of(bundle)
        met = visits(bundle, population)
        categorical = tuple(categorical_factors(bundle, population, met))
        numeric = (
            *_readings(bundle, population, met),
            *age_factors(bundle, met),
        )
        return cls(
            bundle=bundle,
            population=population,
            met=met,
            categorical=categorical,
            numeric=numeric,
            space=hypothesis_space(categorical, numeric, population),
            sources=noise_sources(categorical, population),
            gaps=not_recorded(bundle),
            order=_order(met, population),
        )

    def factor(self, claim: Claim) -> Categorical | Numeric | None:
        """The factor that a claim of one factor is about."""
        for factor in (*self.categorical, *self.numeric):
            place = (factor.kind, factor.operation, factor.name)
            if place == (claim.kind, claim.operation, claim.factor):
                return factor if isinstance(factor, Categorical) else here(factor)
        return None

    def numbers(self, claim: Claim) -> Numeric:
        """The factor of a claim about a threshold.

        :raises LookupError: the claim is about levels, or of another study.
        """
        factor = self.factor(claim)
        if not isinstance(factor, Numeric):
            raise LookupError(claim)
        return factor

    def levels(self, claim: Claim) -> Categorical:
        """The factor of a claim about a level.

        :raises LookupError: the claim is about a threshold, or of another study.
        """
        factor = self.factor(claim)
        if not isinstance(factor, Categorical):
            raise LookupError(claim)
        return factor

    def task(self, outcome: Outcome) -> Task:
        """The data of one class; units that were not inspected expect nothing."""
        strata, n_strata = self.population.strata, self.population.n_strata
        observed = outcome.defective.astype(np.float64)
        return Task(
            space=self.space.seen(outcome.seen_at),
            observed=observed,
            baseline=np.where(
                outcome.inspected, self.rates(outcome, outcome.inspected), 0.0
            ),
            strata=strata,
            n_strata=n_strata,
            sources=self.sources,
        )

    def rates(self, outcome: Outcome, among: Bools) -> Floats:
        """For each unit, the rate of its stratum among some of the inspected units."""
        strata, n_strata = self.population.strata, self.population.n_strata
        found = group_sums(strata, outcome.defective & among, n_strata)
        rate: Floats = found / np.maximum(group_sums(strata, among, n_strata), 1.0)
        return rate[strata]


def _readings(
    bundle: Bundle, population: Population, met: dict[str, Visit]
) -> list[Reading]:
    """By operation and parameter, those whose values are kept elsewhere among them."""
    if not isinstance(bundle.columns, FarReadings):
        return list(reading_factors(bundle, population, met))
    rows = reading_factors(replace(bundle, columns={}), population, met)
    far = bundle.columns.readings(met)
    return sorted([*rows, *far], key=lambda factor: (factor.operation, factor.name))


def _order(met: dict[str, Visit], population: Population) -> dict[str, int]:
    """Place of each operation: by how long before completion it usually began."""
    ahead = {
        name: float(np.nanmedian(population.completed - visit.at))
        if np.isfinite(visit.at).any()
        else 0.0
        for name, visit in met.items()
    }
    ordered = sorted(ahead, key=lambda name: (-ahead[name], name))
    return {name: place for place, name in enumerate(ordered)}


def noise_sources(
    categorical: tuple[Categorical, ...], population: Population
) -> tuple[Source, ...]:
    """Stretches of time, and the levels of every factor.

    People are the same at every operation: one source is enough.
    """
    groups = max(min(TIME_GROUPS, population.size), 1)
    time = np.arange(population.size) * groups // max(population.size, 1)
    sources = [Source("time", time, groups, LOG_SPREAD_PRIOR)]
    people: set[str] = set()
    for factor in categorical:
        if factor.kind not in people:
            sources.append(_source(factor, population.size))
        people |= {factor.kind} & EVERYWHERE
    return tuple(sources)


def _source(factor: Categorical, size: int) -> Source:
    """The levels as groups, neighbours in time joined when there are very many."""
    n = len(factor.levels)
    first = np.full(n, np.inf)
    np.minimum.at(first, factor.level, factor.unit.astype(np.float64))
    place = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    groups = min(n, MOST_GROUPS)
    group = np.full(size, groups, dtype=np.int64)
    group[factor.unit] = (place * groups // n)[factor.level]
    prior = LOG_SPREAD_PRIOR if n >= MANY_LEVELS else LOG_SMALL_SPREAD_PRIOR
    name = f"{factor.kind} {factor.operation} {factor.name}"
    return Source(name, group, groups + 1, prior)
