"""What is not recorded, and so could not be looked at."""

from __future__ import annotations

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
    gaps = []
    for operation in sorted(bundle.steps["operation"].unique()):
        steps = bundle.steps[bundle.steps["operation"] == operation]
        machines = {*steps["equipment"].unique()} - {""}
        if operation not in with_readings:
            gaps.append({"operation": operation, "what": "readings"})
        if not machines:
            gaps.append({"operation": operation, "what": "equipment"})
        elif not machines & looked_after:
            gaps.append({"operation": operation, "what": "equipment_events"})
        if _lots_missing(bundle, operation, steps["unit"].nunique()):
            gaps.append({"operation": operation, "what": "lots"})
    return tuple(gaps)


def _lots_missing(bundle: Bundle, operation: str, n_units: int) -> bool:
    """Some, but clearly not all, units of an operation have a lot of a material."""
    lots = bundle.lots[bundle.lots["operation"] == operation]
    with_lot = lots.groupby("material")["unit"].nunique()
    return bool((with_lot < LEAST_SHARE * n_units).any())
