"""Stated run lengths equal published ones, and simulated ones within ten percent."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core import spc
from analytics.core.spc.design import allowed_share
from benchmarks.attribution.run_length import settings


@pytest.mark.parametrize(
    ("k", "h", "shift", "published"),
    [(0.5, 4, 0, 168), (0.5, 5, 0, 465), (0.5, 4, 1, 8.38), (0.5, 5, 1, 10.4)],
)
def test_cusum_run_lengths_of_montgomery_table_9_3(k, h, shift, published):
    assert spc.arl_of_cusum(k, h, shift) == pytest.approx(published, rel=0.005)


@pytest.mark.parametrize(
    ("weight", "width", "at_one"),
    [(0.4, 3.054, 14.3), (0.25, 2.998, 11.1), (0.2, 2.962, 10.5), (0.1, 2.814, 10.3)],
)
def test_ewma_run_lengths_of_lucas_and_saccucci(weight, width, at_one):
    steady = spc.arl_of_ewma(weight, width, widening=False)
    assert steady == pytest.approx(500.0, rel=0.005)
    moved = spc.arl_of_ewma(weight, width, 1.0, widening=False)
    assert moved == pytest.approx(at_one, rel=0.005)


def test_an_ewma_of_weight_one_is_a_shewhart_chart():
    assert spc.arl_of_ewma(1.0, 3.0) == pytest.approx(370.4, abs=0.1)
    assert spc.arl_of_three_sigmas() == pytest.approx(370.4, abs=0.1)


@pytest.mark.parametrize("wanted", [100.0, 370.0, 5000.0])
def test_a_designed_limit_has_the_run_length_asked_for(wanted):
    assert spc.arl_of_cusum(0.5, spc.design_cusum(wanted)) == pytest.approx(
        wanted, rel=0.005
    )
    width = spc.design_ewma(wanted, 0.2)
    assert spc.arl_of_ewma(0.2, width) == pytest.approx(wanted, rel=0.005)


def test_a_bernoulli_cusum_has_a_whole_reciprocal_allowance():
    chart = spc.design_binomial_cusum(1, 0.01, 1000.0, ratio=2.0)
    assert 1.0 / chart.allowance == pytest.approx(69.0)
    assert allowed_share(0.01, 2.0) == pytest.approx(1 / 69.0, rel=0.01)
    assert chart.arl >= 1000.0


def test_a_raised_share_is_seen_soon():
    chart = spc.design_binomial_cusum(100, 0.02, 1000.0)
    calm = np.full(50, 2.0)
    raised = np.concatenate([calm, np.full(20, 6.0)])
    assert not chart.outside(calm).any()
    assert int(np.argmax(chart.outside(raised))) - 50 < 4


@pytest.mark.parametrize(("share", "ratio"), [(0.0, 2.0), (0.1, 1.0), (0.6, 2.0)])
def test_a_rise_that_cannot_be_is_refused(share, ratio):
    with pytest.raises(ValueError, match="above 0"):
        spc.design_binomial_cusum(10, share, 100.0, ratio)


@pytest.mark.parametrize("setting", list(settings()), ids=lambda setting: setting.name)
def test_simulated_run_lengths_are_within_ten_percent_of_the_stated(setting):
    lengths = setting.simulate(np.random.default_rng(11), 3000)
    assert lengths.mean() == pytest.approx(setting.stated, rel=0.1)
