"""A rise of a defect rate is found, timed, and not invented."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core import spc


def drawn(seed, rates, n=100):
    rng = np.random.default_rng(seed)
    sizes = np.full(len(rates), float(n))
    return sizes, rng.binomial(n, rates).astype(np.float64)


def test_a_rise_is_found_with_its_onset_and_size():
    off, ratios = [], []
    for seed in range(40):
        n, defective = drawn(seed, [0.02] * 60 + [0.08] * 20)
        found = spc.detect_excursion(n, defective)
        assert found.current is not None
        rise = found.current
        assert rise.onset_low <= rise.onset <= rise.onset_high
        assert rise.onset <= rise.signal <= 66
        off.append(abs(rise.onset - 60))
        ratios.append(rise.ratio)
    assert np.median(off) <= 1
    assert np.median(ratios) == pytest.approx(4.0, rel=0.2)


def test_a_rise_that_is_over_ends_and_the_next_is_another():
    rates = [0.02] * 40 + [0.12] * 10 + [0.02] * 40 + [0.12] * 10
    n, defective = drawn(3, rates)
    found = spc.detect_excursion(n, defective)
    first, second = found.rises
    assert (first.onset, second.onset) == (
        pytest.approx(40, abs=1),
        pytest.approx(90, abs=1),
    )
    assert first.last == pytest.approx(49, abs=2)
    assert not first.ongoing
    assert found.current == second


def test_the_baseline_is_that_before_the_rise():
    n, defective = drawn(5, [0.02] * 60 + [0.10] * 40)
    assert spc.detect_excursion(n, defective).baseline == pytest.approx(0.02, abs=0.005)


def alarms(rates, known):
    """Share of 80 series of 100 stretches without a rise that signal."""
    told = 0
    for seed in range(80):
        rng = np.random.default_rng(1000 + seed)
        n = np.full(100, 300.0)
        defective = rng.binomial(300, rates(rng)).astype(np.float64)
        told += bool(spc.detect_excursion(n, defective, **known).rises)
    return told / 80


def test_in_control_series_signal_as_often_as_stated():
    """One false alarm in 1,000 stretches: 9.5 % of series of 100."""
    known = {"baseline": 0.03, "dispersion": 1.0}
    calm = np.full(100, 0.03)
    assert alarms(lambda _rng: calm, known) == pytest.approx(0.095, abs=0.07)
    assert alarms(lambda _rng: calm, {}) < 0.095


def test_lots_that_differ_seldom_look_like_rises():
    def lots(rng):
        return 0.03 * np.repeat(np.exp(0.3 * rng.standard_normal(20)), 5)

    # 0.20 of 400 series, twice what is stated: see docs/spc.md. Without it, most.
    assert alarms(lots, {}) < 0.33
    assert alarms(lots, {"dispersion": 1.0}) > 0.6


def test_a_rate_that_wanders_widens_the_limit():
    rng = np.random.default_rng(6)
    n = np.full(200, 200.0)
    wandering = rng.poisson(rng.gamma(6.0, 1.0, 200)).astype(np.float64)
    calm = rng.poisson(6.0, 200).astype(np.float64)
    wide, narrow = spc.detect_excursion(n, wandering), spc.detect_excursion(n, calm)
    assert wide.dispersion == pytest.approx(2.0, rel=0.3)
    assert narrow.dispersion < 1.3
    assert wide.limit > 1.3 * narrow.limit
    assert not wide.rises


@pytest.mark.parametrize(
    "n", [np.array([]), np.zeros(5), np.full(5, 10.0)], ids=["none", "empty", "good"]
)
def test_nothing_to_see_is_nothing_found(n):
    found = spc.detect_excursion(n, np.zeros(n.size))
    assert found.rises == ()
    assert found.current is None
    assert found.sums.size == n.size


def test_the_figures_are_plain_json():
    import json

    n, defective = drawn(3, [0.02] * 40 + [0.12] * 10)
    told = spc.detect_excursion(n, defective).to_json()
    assert json.loads(json.dumps(told))["rises"][0]["ongoing"]
