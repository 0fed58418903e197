"""The pieces of the evidence: cells, Bayes factors, noise, priors, change points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.core import evidence, noise, salience
from analytics.core.factors import NOBODY, Numeric
from analytics.core.frames import Bundle
from analytics.core.grouping import Groups
from analytics.core.onset import rise_of_share
from analytics.core.separation import units_needed
from analytics.core.study import Study
from analytics.core.thresholds import thresholds
from tests.analytics.scene import line


@pytest.fixture(scope="module")
def study():
    return Study.of(Bundle.of(line(201, "lot").frames))


def test_sums_of_partitions_add_up(study):
    space, size = study.space, study.population.size
    rng = np.random.default_rng(0)
    weights = rng.random(size)
    strata = study.population.strata
    left = rng.random(size) < 0.4
    whole = space.sums(weights, strata, study.population.n_strata)
    parts = [
        space.sums(np.where(side, weights, 0.0), strata, study.population.n_strata)
        for side in (left, ~left)
    ]
    np.testing.assert_allclose(whole, sum(parts), atol=1e-9)


def test_sums_are_those_of_the_members(study):
    space, size = study.space, study.population.size
    weights = np.random.default_rng(1).random(size)
    sums = space.sums(weights, np.zeros(size, dtype=np.int64), 1)[:, 0]
    for hypothesis in range(0, space.size, 97):
        members = space.members(hypothesis)
        assert sums[hypothesis] == pytest.approx(weights[members].sum())


def test_the_prior_of_all_hypotheses_is_at_most_one(study):
    shares = np.exp(study.space.log_prior)
    assert 0.85 < shares.sum() <= 1.0 + 1e-9


def test_interactions_share_one_small_mass(study):
    shares = np.exp(study.space.log_prior)
    space = study.space
    kinds = np.array([space.claim(i).kind for i in range(space.size)])
    assert shares[kinds == "interaction"].sum() < 0.21


def bayes_factor(observed, expected, total=60.0):
    return evidence.log_bayes_factors(
        np.array([[float(observed)]]),
        np.array([[float(expected)]]),
        np.array([total]),
        np.array([total]),
    )[0]


@given(st.integers(0, 40))
def test_more_observed_is_more_evidence(observed):
    assert bayes_factor(observed + 1, 5) > bayes_factor(observed, 5)


def test_as_many_as_expected_speaks_against_a_raised_risk():
    assert bayes_factor(10, 10) < 0
    assert bayes_factor(40, 10) > 10


def test_spread_between_groups_weakens_one_extreme_group():
    calm = np.full(20, 5)
    rough = np.array([1, 12, 3, 9, 0, 11, 2, 14, 4, 8] * 2)
    assert _one_group(calm, 20) > _one_group(rough, 20) + 3


def _one_group(others: np.ndarray, extreme: int) -> float:
    found = np.concatenate([[extreme], others])
    group = np.repeat(np.arange(found.size), 100)
    observed = np.concatenate([np.arange(100) < k for k in found]).astype(float)
    expected = np.full(group.size, observed.mean())
    strata = np.zeros(group.size, dtype=np.int64)
    counts = noise.Counts(observed, expected, strata, 1)
    source = noise.Source("lot", group, found.size, noise.LOG_SPREAD_PRIOR)
    sums = noise.SourceSums.of(source, counts)
    sets = noise.Sets.of([np.flatnonzero(group == 0)], counts)
    return float(noise.against(sets, sums)[0])


def test_a_series_that_drifts_stands_out():
    rng = np.random.default_rng(0)
    still = rng.normal(size=500)
    drifting = still + np.linspace(0, 4, 500)
    groups = Groups.of(np.repeat([0, 1], 500), ("still", "drifting"))
    scores = salience.drift_scores(np.concatenate([still, drifting]), groups)
    assert scores[1] > 2 * scores[0]
    shares = salience.standing_out(np.array([1.0, 1.0, 4.0]), np.full(3, 0.1))
    assert shares.sum() == pytest.approx(0.3)
    assert shares[2] > 0.18


def test_a_missed_maintenance_stands_out():
    ages = np.concatenate([np.arange(100.0)] * 4 + [np.arange(250.0)])
    assert salience.overdue_score(ages) == pytest.approx(249 / 99)


def test_a_rise_is_dated_within_its_interval():
    rng = np.random.default_rng(3)
    flags = rng.random(1000) < np.where(np.arange(1000) < 600, 0.02, 0.3)
    onset = rise_of_share(flags, np.arange(1000.0))
    assert onset is not None
    assert onset.low <= 600 <= onset.high + 10
    assert rise_of_share(flags[:600], np.arange(600.0)) is None


def test_a_stronger_risk_needs_fewer_units_to_tell_apart():
    assert units_needed(8.0, 0.02) < units_needed(2.0, 0.02)


def test_a_threshold_lies_between_two_readings():
    values = np.tile([0.0, 1.0, 1.0, 4.0], 50)
    nobody = np.full(values.size, NOBODY, dtype=np.int64)
    at = np.arange(values.size, dtype=np.float64)
    factor = Numeric("parameter", "OP10", "steps", values, at, nobody, ())
    (family,) = thresholds(factor)
    claims = [family.claims[i] for i in range(family.size)]
    claims = {(claim.shape, claim.cut) for claim in claims}
    assert {cut for _, cut in claims} == {0.5, 2.5}
