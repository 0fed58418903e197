"""What is not recorded, and so could not be looked at."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analytics.core.coding import codes_of, groups
from analytics.core.frames import Bundle

LEAST_SHARE = 0.95
"""Share of an operation's units that must have a record for it to count as kept."""


def not_recorded(bundle: Bundle) -> tuple[dict[str, str], ...]:
    """Operations without readings, equipment, maintenance or (some) lots."""
    if bundle.steps.empty:
        return ({"operation": "", "what": "steps"},)
    with_readings = {
        *bundle.readings["operation"].unique(),
        *(operation for operation, _ in bundle.columns),
    }
    looked_after = {*bundle.equipment_events["equipment"].unique()}
    lots = dict(groups(bundle.lots["operation"]))
    gaps = []
    for operation, rows in groups(bundle.steps["operation"]):
        steps = bundle.steps[["unit", "equipment"]].iloc[rows]
        machines = {*steps["equipment"].unique()} - {""}
        if operation not in with_readings:
            gaps.append({"operation": operation, "what": "readings"})
        if not machines:
            gaps.append({"operation": operation, "what": "equipment"})
        elif not machines & looked_after:
            gaps.append({"operation": operation, "what": "equipment_events"})
        used = bundle.lots[["unit", "material"]].iloc[lots.get(operation, [])]
        if _lots_missing(used, _units(steps)):
            gaps.append({"operation": operation, "what": "lots"})
    return tuple(gaps)


def _lots_missing(lots: pd.DataFrame, n_units: int) -> bool:
    """Some, but clearly not all, units of an operation have a lot of a material."""
    with_lot = [_units(lots.iloc[rows]) for _, rows in groups(lots["material"])]
    return any(n < LEAST_SHARE * n_units for n in with_lot)


def _units(frame: pd.DataFrame) -> int:
    """How many units the rows are of."""
    codes, names = codes_of(frame["unit"])
    return int(np.count_nonzero(np.bincount(codes, minlength=len(names))))
