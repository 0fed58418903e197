"""Each rule signals at the point that completes its pattern, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.core import spc

NEUTRAL = [0.5, -0.4, 1.5, -1.4, 0.2, 0.3]
PATTERNS = {
    1: [0.1, 3.1],
    2: [0.5, 0.4, 1.2, 0.3, 0.9, 0.2, 0.6, 0.1, 0.8],
    3: [-0.6, -0.2, 0.1, 0.4, 0.9, 1.3],
    4: [0.5, -0.4] * 7,
    5: [2.1, 0.3, 2.2],
    6: [1.1, 1.2, 0.4, 1.3, 1.4],
    7: [0.4, 0.5, -0.3, -0.2, 0.6] * 3,
    8: [1.2, -1.3, 1.4, -1.1, -1.2, 1.6, 1.3, -1.5],
}


@pytest.mark.parametrize("rule", PATTERNS)
def test_a_rule_signals_when_its_pattern_is_complete(rule):
    pattern = np.array(PATTERNS[rule])
    signals = spc.nelson(pattern)[rule]
    assert np.flatnonzero(signals).tolist() == [pattern.size - 1]


@pytest.mark.parametrize("rule", PATTERNS)
def test_the_other_direction_is_the_same(rule):
    z = np.random.default_rng(rule).standard_normal(100_000)
    there, back = spc.nelson(z)[rule], spc.nelson(-z)[rule]
    np.testing.assert_array_equal(there, back)
    assert there.any()


def test_nothing_signals_in_a_quiet_stretch():
    quiet = np.array(NEUTRAL)
    assert not any(signals.any() for signals in spc.nelson(quiet).values())
    assert not any(signals.any() for signals in spc.nelson(np.array([])).values())


def test_what_never_varies_has_no_pattern():
    z = spc.standardised(np.full(30, 7.0))
    fired = {rule for rule, signals in spc.nelson(z).items() if signals.any()}
    assert fired == {7}


def test_western_electric_has_its_published_run_length():
    """Champ and Woodall (1987): 91.75 for the four rules together."""
    rng = np.random.default_rng(4)
    lengths = []
    for _run in range(2000):
        z = rng.standard_normal(1500)
        signals = np.any(list(spc.western_electric(z).values()), axis=0)
        lengths.append(int(np.argmax(signals)) + 1)
    assert np.mean(lengths) == pytest.approx(91.75, rel=0.08)
