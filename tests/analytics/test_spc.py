"""Control charts against published examples and known properties."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from analytics.core import spc


def test_individuals_limits_are_266_mean_moving_ranges_away():
    values = np.array([33.75, 33.05, 34.0, 33.81, 33.46, 34.02, 33.68, 33.27])
    chart = spc.individuals(values)
    reach = 2.66 * np.abs(np.diff(values)).mean()
    assert chart.high[0] - chart.centre[0] == pytest.approx(reach, rel=1e-3)
    assert not chart.outside().any()


def test_moving_range_limit_is_3267_times_its_mean():
    chart = spc.moving_ranges(np.array([1.0, 2.0, 4.0, 3.0]))
    assert chart.high[0] == pytest.approx(3.267 * 4 / 3)
    assert chart.points.size == 3


def test_ewma_limits_widen_to_their_steady_state():
    chart = spc.ewma(np.zeros(200), weight=0.1, width=2.7, centre=0.0, sigma=1.0)
    assert chart.high[0] == pytest.approx(0.27)
    assert chart.high[-1] == pytest.approx(2.7 * np.sqrt(0.1 / 1.9), rel=1e-6)


def test_ewma_leaves_its_limits_after_a_shift():
    values = np.concatenate([np.zeros(50), np.full(50, 2.0)])
    chart = spc.ewma(values, centre=0.0, sigma=1.0)
    outside = chart.outside()
    assert not outside[:50].any()
    assert outside[60:].all()


def test_p_chart_limits_follow_the_sample_size():
    chart = spc.p_chart(np.array([50.0, 200.0]), np.array([6.0, 24.0]))
    sigma = np.sqrt(0.12 * 0.88 / np.array([50.0, 200.0]))
    np.testing.assert_allclose(chart.high, 0.12 + 3 * sigma)
    np.testing.assert_allclose(chart.centre, 0.12)


def test_wilson_interval_of_nothing_found():
    low, high = spc.wilson(np.array([10.0]), np.array([0.0]))
    assert low[0] == 0.0
    assert high[0] == pytest.approx(0.2775, abs=1e-4)


def test_charts_and_spc_load_no_scikit_learn():
    code = (
        "import sys, analytics.core.spc, analytics.charts.evidence;"
        "heavy = ('sklearn', 'scipy', 'pandas', 'django');"
        "print([m for m in heavy if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr
