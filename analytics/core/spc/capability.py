"""Process capability: the room within the limits over the spread of the process.

Indices and intervals after Montgomery, section 8.3: Cp and Pp from the chi-square of
their sigma, Cpk and Ppk after Bissell (1990), Applied Statistics 39. They assume normal
values; Cp and Cpk moreover that the process stands still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.core.arrays import Floats
from analytics.core.spc.normal import NORMAL_95, chi_square_quantile
from analytics.core.spc.variables import sigma_of_moving_range

MOVING_RANGE_EFFICIENCY = 0.605
"""Degrees of freedom of a mean moving range over n - 1 (Cryer and Ryan 1990)."""
LEAST_VALUES = 10


@dataclass(frozen=True)
class Index:
    """A capability index with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> list[float]:
        return [self.value, self.low, self.high]


@dataclass(frozen=True)
class Capability:
    """Short-term (cp, cpk) and overall (pp, ppk) capability.

    With one limit only cpk and ppk exist, towards that limit. `outside`: share of the
    values beyond the limits, 0..1.
    """

    cp: Index | None
    cpk: Index
    pp: Index | None
    ppk: Index
    outside: float

    def to_json(self) -> dict[str, Any]:
        return {
            "cp": self.cp and self.cp.to_json(),
            "cpk": self.cpk.to_json(),
            "pp": self.pp and self.pp.to_json(),
            "ppk": self.ppk.to_json(),
            "outside": self.outside,
        }


def capability(
    values: Floats, lower: float | None, upper: float | None
) -> Capability | None:
    """Capability of values in order of time; None without limits, spread or ten values.

    Short-term sigma is that of the moving range, overall sigma the standard deviation.
    """
    short = sigma_of_moving_range(values)
    if (lower is None and upper is None) or values.size < LEAST_VALUES or short == 0.0:
        return None
    degrees = values.size - 1.0
    fewer = MOVING_RANGE_EFFICIENCY * degrees
    overall = float(values.std(ddof=1))
    mean = float(values.mean())
    return Capability(
        cp=_two_sided(lower, upper, short, fewer),
        cpk=_nearest(mean, lower, upper, short, fewer),
        pp=_two_sided(lower, upper, overall, degrees),
        ppk=_nearest(mean, lower, upper, overall, degrees),
        outside=share_outside(values, lower, upper),
    )


def share_outside(values: Floats, lower: float | None, upper: float | None) -> float:
    """Share 0..1 of the values beyond a limit; a missing limit holds nothing back."""
    beyond = np.zeros(values.size, dtype=bool)
    if lower is not None:
        beyond |= values < lower
    if upper is not None:
        beyond |= values > upper
    return float(beyond.mean()) if values.size else 0.0


def _two_sided(
    lower: float | None, upper: float | None, sigma: float, degrees: float
) -> Index | None:
    if lower is None or upper is None:
        return None
    index = (upper - lower) / (6.0 * sigma)
    low = index * math.sqrt(chi_square_quantile(0.025, degrees) / degrees)
    return Index(
        index, low, index * math.sqrt(chi_square_quantile(0.975, degrees) / degrees)
    )


def _nearest(
    mean: float, lower: float | None, upper: float | None, sigma: float, degrees: float
) -> Index:
    rooms = [upper - mean] if upper is not None else []
    rooms += [mean - lower] if lower is not None else []
    index = min(rooms) / (3.0 * sigma)
    n = degrees + 1.0
    reach = NORMAL_95 * math.sqrt(1.0 / (9.0 * n) + index**2 / (2.0 * degrees))
    return Index(index, index - reach, index + reach)
