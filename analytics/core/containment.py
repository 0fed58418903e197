"""Which units to hold: all that met a cause, inspected or not, with their risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.core.arrays import Bools, Floats
from analytics.core.population import Population
from analytics.core.results import Interval

HELD_COLUMNS = ("unit", "risk", "low", "high", "defect_class")


@dataclass(frozen=True)
class Hold:
    """A cause to act on: its units, and how many times their risk is raised."""

    exposed: Bools
    risk: float
    interval: Interval


def held_units(
    population: Population, rates: Floats, holds: list[Hold], defect_class: str
) -> pd.DataFrame:
    """Unit, risk of the class and its 95 % interval, the riskiest first.

    `rates`: risk of each unit without any cause, 0..1.
    """
    flags = np.zeros(population.size, dtype=bool)
    risk, low, high = rates.copy(), rates.copy(), rates.copy()
    for hold in holds:
        flags |= hold.exposed
        risk[hold.exposed] *= hold.risk
        low[hold.exposed] *= hold.interval[0]
        high[hold.exposed] *= hold.interval[1]
    frame = pd.DataFrame(
        {
            "unit": population.ids[flags],
            "risk": np.minimum(risk[flags], 1.0),
            "low": np.minimum(low[flags], 1.0),
            "high": np.minimum(high[flags], 1.0),
        }
    )
    frame["defect_class"] = defect_class
    return frame.sort_values(["risk", "unit"], ascending=[False, True], kind="stable")
