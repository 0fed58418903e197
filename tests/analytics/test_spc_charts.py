"""Charts of subgroups and of counts against worked examples and exact tails."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.core import spc

ORANGE_JUICE = np.array(
    [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22]
    + [8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6],
    dtype=np.float64,
)
"""Montgomery, table 7.1: nonconforming cans among 50."""


def test_xbar_r_and_s_of_a_worked_table():
    groups = np.array([[5.0, 7.0, 6.0], [6.0, 9.0, 6.0], [4.0, 6.0, 8.0]])
    means, ranges = spc.xbar_r(groups)
    assert ranges.centre[0] == pytest.approx(3.0)
    assert means.high[0] - means.centre[0] == pytest.approx(1.023 * 3.0)
    assert ranges.high[0] == pytest.approx(2.574 * 3.0)
    means, spreads = spc.xbar_s(groups)
    usual = groups.std(axis=1, ddof=1).mean()
    assert spreads.high[0] == pytest.approx(2.568 * usual)
    assert means.low[0] == pytest.approx(means.centre[0] - 1.954 * usual)


def test_p_chart_of_the_orange_juice_cans():
    """Montgomery, example 7.1: centre 0.2313, limits 0.0524 and 0.4102."""
    chart = spc.p_chart(np.full(30, 50.0), ORANGE_JUICE)
    assert chart.centre[0] == pytest.approx(0.2313, abs=1e-4)
    assert chart.low[0] == pytest.approx(0.0524, abs=1e-4)
    assert chart.high[0] == pytest.approx(0.4102, abs=1e-4)
    assert np.flatnonzero(chart.outside()).tolist() == [14, 22]


def test_np_chart_counts_what_the_p_chart_shares():
    shares = spc.p_chart(np.full(30, 50.0), ORANGE_JUICE)
    counts = spc.np_chart(50, ORANGE_JUICE)
    np.testing.assert_allclose(counts.high, 50 * shares.high)
    assert counts.arl == shares.arl


def test_c_and_u_chart_of_defects():
    """Montgomery, example 7.3: mean 19.85 defects, limits 6.48 and 33.22."""
    chart = spc.c_chart(np.full(26, 516 / 26))
    assert chart.centre[0] == pytest.approx(19.85, abs=0.01)
    assert chart.low[0] == pytest.approx(6.48, abs=0.01)
    assert chart.high[0] == pytest.approx(33.22, abs=0.01)
    double = spc.u_chart(np.full(4, 2.0), np.array([8.0, 9.0, 7.0, 8.0]))
    assert double.high[0] == pytest.approx(4.0 + 3.0 * math.sqrt(4.0 / 2.0))


def test_an_attribute_chart_states_the_tails_beyond_its_limits():
    from scipy.stats import binom, poisson

    chart = spc.p_chart(np.array([50.0]), np.zeros(1), share=0.02)
    high = math.floor(chart.high[0] * 50)
    assert chart.arl == pytest.approx(1.0 / binom.sf(high, 50, 0.02))
    chart = spc.c_chart(np.zeros(1), mean=4.0)
    assert chart.arl == pytest.approx(1.0 / poisson.sf(10, 4.0))


@pytest.mark.parametrize(("n", "share"), [(50, 0.02), (100, 0.3), (2000, 0.01)])
def test_probability_limits_are_the_closest_that_keep_the_run_length(n, share):
    from scipy.stats import binom

    limits = spc.probability_limits(spc.binomial(n, share), 370.0)
    tails = [binom.cdf(limits.low - 1, n, share), binom.sf(limits.high, n, share)]
    assert limits.arl == pytest.approx(1.0 / sum(tails), rel=1e-6)
    assert limits.arl >= 370.0
    allowed = 1.0 / 370.0 / (2.0 if limits.low else 1.0)
    assert binom.sf(limits.high - 1, n, share) > allowed
    assert binom.cdf(limits.low, n, share) > 1.0 / 740.0


def test_stated_run_length_mixes_sample_sizes():
    n = np.array([50.0, 400.0])
    chart = spc.p_chart(n, np.zeros(2), share=0.03, arl=370.0)
    each = [
        spc.probability_limits(spc.binomial(int(size), 0.03), 370.0).arl for size in n
    ]
    assert chart.arl == pytest.approx(2.0 / (1.0 / each[0] + 1.0 / each[1]))


def test_laney_limits_widen_with_what_shares_wander_by_themselves():
    rng = np.random.default_rng(0)
    n = np.full(200, 5000.0)
    wandering = rng.binomial(5000, rng.beta(40.0, 360.0, 200)).astype(np.float64)
    assert spc.p_chart(n, wandering).outside().mean() > 0.2
    assert spc.laney_p_chart(n, wandering).outside().mean() < 0.02
    calm = rng.binomial(5000, 0.1, 200).astype(np.float64)
    np.testing.assert_allclose(
        spc.laney_p_chart(n, calm).high, spc.p_chart(n, calm).high, atol=0.003
    )


def test_empty_charts_are_harmless():
    nothing = np.array([])
    for chart in (spc.p_chart(nothing, nothing), spc.ewma(nothing)):
        assert chart.points.size == chart.outside().size == 0
    assert spc.p_chart(np.zeros(3), np.zeros(3)).outside().sum() == 0
    assert not spc.cusum(nothing).outside().any()


def test_ewma_in_blocks_is_the_recursion():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(1000) + 20.0
    for weight in (0.02, 0.1, 0.9, 1.0):
        last, points = 20.0, []
        for value in values:
            last = weight * value + (1.0 - weight) * last
            points.append(last)
        chart = spc.ewma(values, weight, centre=20.0, sigma=1.0)
        np.testing.assert_allclose(chart.points, points, rtol=1e-9)


def test_cusum_of_a_worked_shift():
    """Montgomery, table 9.1, k = 0.5: sums by hand from centre 10 and sigma 1."""
    values = np.array([9.45, 7.99, 9.29, 11.66, 12.16, 10.18])
    chart = spc.cusum(values, centre=10.0, sigma=1.0)
    np.testing.assert_allclose(chart.up, [0, 0, 0, 1.16, 2.82, 2.50], atol=1e-9)
    np.testing.assert_allclose(chart.down, [0.05, 1.56, 1.77, 0, 0, 0], atol=1e-9)
    assert spc.began(chart.up, 5) == 3
