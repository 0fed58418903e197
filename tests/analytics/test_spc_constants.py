"""Factors of control charts equal the printed table and what they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.core import spc
from analytics.core.spc.normal import normal_below

# Montgomery, Introduction to Statistical Quality Control, appendix VI, by column.
PRINTED = {
    "A2": "1.880 1.023 0.729 0.577 0.483 0.419 0.373 0.337 0.308 0.285 0.266 0.249 "
    "0.235 0.223 0.212 0.203 0.194 0.187 0.180 0.173 0.167 0.162 0.157 0.153",
    "A3": "2.659 1.954 1.628 1.427 1.287 1.182 1.099 1.032 0.975 0.927 0.886 0.850 "
    "0.817 0.789 0.763 0.739 0.718 0.698 0.680 0.663 0.647 0.633 0.619 0.606",
    "c4": "0.7979 0.8862 0.9213 0.9400 0.9515 0.9594 0.9650 0.9693 0.9727 0.9754 "
    "0.9776 0.9794 0.9810 0.9823 0.9835 0.9845 0.9854 0.9862 0.9869 0.9876 0.9882 "
    "0.9887 0.9892 0.9896",
    "B3": "0 0 0 0 0.030 0.118 0.185 0.239 0.284 0.321 0.354 0.382 0.406 0.428 0.448 "
    "0.466 0.482 0.497 0.510 0.523 0.534 0.545 0.555 0.565",
    "B4": "3.267 2.568 2.266 2.089 1.970 1.882 1.815 1.761 1.716 1.679 1.646 1.618 "
    "1.594 1.572 1.552 1.534 1.518 1.503 1.490 1.477 1.466 1.455 1.445 1.435",
    "d2": "1.128 1.693 2.059 2.326 2.534 2.704 2.847 2.970 3.078 3.173 3.258 3.336 "
    "3.407 3.472 3.532 3.588 3.640 3.689 3.735 3.778 3.819 3.858 3.895 3.931",
    "d3": "0.853 0.888 0.880 0.864 0.848 0.833 0.820 0.808 0.797 0.787 0.778 0.770 "
    "0.763 0.756 0.750 0.744 0.739 0.734 0.729 0.724 0.720 0.716 0.712 0.708",
    "D3": "0 0 0 0 0 0.076 0.136 0.184 0.223 0.256 0.283 0.307 0.328 0.347 0.363 "
    "0.378 0.391 0.403 0.415 0.425 0.434 0.443 0.451 0.459",
    "D4": "3.267 2.574 2.282 2.114 2.004 1.924 1.864 1.816 1.777 1.744 1.717 1.693 "
    "1.672 1.653 1.637 1.622 1.608 1.597 1.585 1.575 1.566 1.557 1.548 1.541",
}
SIZES = range(2, 26)


@pytest.mark.parametrize("name", PRINTED)
def test_every_factor_is_the_printed_one(name):
    kept = [getattr(spc.factors(n), name) for n in SIZES]
    assert kept == [float(value) for value in PRINTED[name].split()]


@pytest.mark.parametrize("n", SIZES)
def test_the_printed_factors_are_those_of_normal_subgroups(n):
    """Every column from its definition; ranges by integrating their distribution."""
    z = np.linspace(-8.0, 8.0, 1601)
    below = normal_below(z)
    d2 = _integral(1.0 - below**n - (1.0 - below) ** n, z)
    d3 = math.sqrt(2.0 * _second_moment(below, z, n) - d2**2)
    c4 = math.sqrt(2.0 / (n - 1)) * math.exp(
        math.lgamma(n / 2) - math.lgamma((n - 1) / 2)
    )
    b = 3.0 * math.sqrt(1.0 - c4**2) / c4
    exact = spc.Factors(
        A2=3.0 / (d2 * math.sqrt(n)),
        A3=3.0 / (c4 * math.sqrt(n)),
        c4=c4,
        B3=max(1.0 - b, 0.0),
        B4=1.0 + b,
        d2=d2,
        d3=d3,
        D3=max(1.0 - 3.0 * d3 / d2, 0.0),
        D4=1.0 + 3.0 * d3 / d2,
    )
    np.testing.assert_allclose(spc.factors(n), exact, rtol=0, atol=1.1e-3)
    assert spc.factors(n).c4 == pytest.approx(c4, abs=5.1e-5)
    assert spc.factors(n).d2 == pytest.approx(d2, abs=5.1e-4)


def test_a_subgroup_of_one_or_of_twenty_six_has_no_factors():
    for n in (1, 26):
        with pytest.raises(ValueError, match="2 to 25"):
            spc.factors(n)


def _second_moment(below, z, n):
    """Half of the mean squared range: the double integral over pairs x < y."""
    inner = np.array(
        [
            _integral(
                1.0
                - below[i:] ** n
                - (1.0 - below[i]) ** n
                + np.maximum(below[i:] - below[i], 0.0) ** n,
                z[i:],
            )
            for i in range(0, z.size, 4)
        ]
    )
    return _integral(inner, z[::4])


def _integral(values, at):
    return float(np.trapezoid(values, at)) if at.size > 1 else 0.0
