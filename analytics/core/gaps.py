"""What is not recorded, and so could not be looked at."""

from __future__ import annotations

from analytics.core.frames import Bundle

LEAST_SHARE = 0.95
"""Share of an operation's units that must have a record for it to count as kept."""


def not_recorded(bundle: Bundle) -> tuple[dict[str, str], ...]:
    """Operations without readings, equipment, maintenance or (some) lots."""
    if bundle.steps.empty:
        return ({"operation": "", "what": "steps"},)
    with_readings = {*bundle.readings["operation"], *(op for op, _ in bundle.columns)}
    gaps = []
    for operation in sorted(set(bundle.steps["operation"])):
        steps = bundle.steps[bundle.steps["operation"] == operation]
        machines = set(steps["equipment"]) - {""}
        if operation not in with_readings:
            gaps.append({"operation": operation, "what": "readings"})
        if not machines:
            gaps.append({"operation": operation, "what": "equipment"})
        elif not machines & set(bundle.equipment_events["equipment"]):
            gaps.append({"operation": operation, "what": "equipment_events"})
        if _lots_missing(bundle, operation, steps["unit"].nunique()):
            gaps.append({"operation": operation, "what": "lots"})
    return tuple(gaps)


def _lots_missing(bundle: Bundle, operation: str, n_units: int) -> bool:
    """Some, but clearly not all, units of an operation have a lot of a material."""
    lots = bundle.lots[bundle.lots["operation"] == operation]
    with_lot = lots.groupby("material")["unit"].nunique()
    return bool((with_lot < LEAST_SHARE * n_units).any())
