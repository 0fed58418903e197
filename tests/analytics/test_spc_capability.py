"""Capability indices, their intervals, and one limit alone."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core import spc
from analytics.core.spc.normal import chi_square_quantile, normal_quantile


def test_indices_of_a_centred_process():
    values = np.random.default_rng(0).normal(10.0, 1.0, 20_000)
    found = spc.capability(values, 7.0, 13.0)
    assert found is not None
    assert found.cp is not None
    assert found.pp is not None
    for index in (found.cp, found.cpk, found.pp, found.ppk):
        assert index.value == pytest.approx(1.0, abs=0.02)
        assert index.low < index.value < index.high
    assert found.outside == pytest.approx(0.0027, abs=0.0015)


def test_overall_sigma_sees_a_drift_that_the_short_term_does_not():
    values = np.random.default_rng(1).normal(0.0, 1.0, 500) + np.linspace(0, 6, 500)
    found = spc.capability(values, -9.0, 15.0)
    assert found is not None
    assert found.cpk.value > 1.5 * found.ppk.value


def test_one_limit_counts_towards_that_limit_only():
    values = np.random.default_rng(2).normal(10.0, 1.0, 5000)
    found = spc.capability(values, None, 14.5)
    assert found is not None
    assert found.cp is None
    assert found.pp is None
    assert found.cpk.value == pytest.approx(1.5, abs=0.05)
    assert spc.capability(values, None, None) is None
    assert spc.capability(values[:9], 7.0, 13.0) is None
    assert spc.capability(np.full(20, 3.0), 2.0, 4.0) is None


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    held = np.zeros(4)
    runs = 1500
    for _run in range(runs):
        found = spc.capability(rng.normal(0.5, 1.0, 60), -4.0, 4.0)
        assert found is not None
        truths = ((found.cp, 4 / 3), (found.cpk, 3.5 / 3))
        truths += ((found.pp, 4 / 3), (found.ppk, 3.5 / 3))
        held += [index.low <= truth <= index.high for index, truth in truths]
    np.testing.assert_allclose(held / runs, 0.95, atol=0.02)


@pytest.mark.parametrize(("degrees", "within"), [(10, 0.03), (30, 0.005), (300, 0.001)])
def test_chi_square_quantiles_are_as_close_as_stated(degrees, within):
    from scipy.stats import chi2

    for share in (0.005, 0.025, 0.5, 0.975, 0.995):
        exact = chi2.ppf(share, degrees)
        assert chi_square_quantile(share, degrees) == pytest.approx(exact, rel=within)


def test_normal_quantile():
    assert normal_quantile(0.975) == pytest.approx(1.959964, abs=1e-6)
