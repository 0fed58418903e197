"""What the charts say of one series of readings."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from analytics.core.drift import ARL, drift_of
from analytics.core.steady import MOST_POINTS, blocks, change_points, noise, steady

HOUR = 3600.0


def series(seed, n=600, correlation=0.0):
    """Standard noise of this correlation around 50, an hour apart."""
    rng = np.random.default_rng(seed)
    new = rng.standard_normal(n) * np.sqrt(1.0 - correlation**2)
    values = np.empty(n)
    values[0] = rng.standard_normal()
    for i in range(1, n):
        values[i] = correlation * values[i - 1] + new[i]
    return 50.0 + values, np.arange(n) * HOUR


def test_a_step_is_found_with_onset_rules_and_change_point():
    held = 0
    for seed in range(30):
        values, at = series(seed)
        values[400:] += 2.0
        found = drift_of(values, at)
        assert found is not None
        assert found.centre == pytest.approx(50.0, abs=0.3)
        move = found.move
        assert move is not None
        assert (move.direction, move.ongoing) == ("up", True)
        assert move.onset / HOUR == pytest.approx(400, abs=6)
        assert move.shift == pytest.approx(2.0, rel=0.35)
        assert move.ewma_signal is not None
        assert {2, 5} <= set(move.rules)
        assert found.changes[0] / HOUR == pytest.approx(400, abs=6)
        held += move.onset_low <= 400 * HOUR <= move.onset_high
    assert held >= 26


def test_a_ramp_down_is_found_near_where_it_began():
    onsets = []
    for seed in range(20):
        values, at = series(seed)
        values[300:] -= np.linspace(0.0, 5.0, 300)
        found = drift_of(values, at)
        assert found is not None
        assert found.move is not None
        assert found.move.direction == "down"
        onsets.append(found.move.onset / HOUR)
    assert np.median(onsets) == pytest.approx(300, abs=30)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_what_stands_still_does_not_drift(correlation):
    moved = 0
    for seed in range(60):
        values, at = series(100 + seed, correlation=correlation)
        found = drift_of(values, at)
        assert found is not None
        moved += found.move is not None
    assert moved <= 12, f"stated: one in {ARL:.0f} points, seen in {moved} of 60 series"


def test_correlation_and_long_run_sigma_come_out_of_differences():
    for correlation in (0.0, 0.6):
        values, _at = series(1, n=4000, correlation=correlation)
        values[2000:] += 5.0
        found, sigma = noise(values)
        assert found == pytest.approx(correlation, abs=0.1)
        truth = np.sqrt((1 + correlation) / (1 - correlation))
        assert sigma == pytest.approx(truth, rel=0.2)


def test_capability_and_share_outside_need_limits():
    values, at = series(2)
    found = drift_of(values, at, lower=47.0, upper=53.0)
    assert found is not None
    assert found.capability is not None
    assert found.capability.cpk.value == pytest.approx(1.0, abs=0.15)
    assert found.outside == pytest.approx(0.003, abs=0.006)
    free = drift_of(values, at)
    assert free is not None
    assert free.capability is None
    assert free.outside == 0.0


def test_a_long_series_is_charted_by_block_medians():
    values, at = series(3, n=30_007)
    points, starts = blocks(values)
    assert points.size == starts.size <= MOST_POINTS
    values[20_000:] += 1.5
    found = drift_of(values, at)
    assert found is not None
    assert found.readings == 30_007
    assert found.move is not None
    assert found.move.onset / HOUR == pytest.approx(20_000, abs=100)


def test_too_few_readings_and_constant_ones_say_nothing():
    values, at = series(4)
    assert drift_of(values[:29], at[:29]) is None
    still = drift_of(np.full(100, 7.0), np.arange(100) * HOUR, 6.0, 8.0)
    assert still is not None
    assert still.move is None
    assert still.changes == ()
    assert still.capability is None


def test_change_points_of_two_steps():
    values, _at = series(5, n=300)
    values[100:200] += 3.0
    found = change_points(values - 50.0)
    assert found == (pytest.approx(100, abs=2), pytest.approx(200, abs=2))
    assert steady(values).centre == pytest.approx(50.0, abs=0.3)
    assert change_points(values[:9]) == ()


def test_it_is_small_plain_json():
    values, at = series(6)
    values[500:] += 3.0
    found = drift_of(values, at, 45.0, None)
    assert found is not None
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["move"]["onset"].endswith("Z")
    assert told["capability"]["cp"] is None
    assert len(json.dumps(told)) < 2000


def test_importing_it_does_not_import_ruptures():
    code = "import sys, analytics.core.drift; print('ruptures' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "False", run.stderr
