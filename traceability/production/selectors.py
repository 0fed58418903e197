"""Reading what happened to a unit."""

from __future__ import annotations

from django.db.models import QuerySet

from traceability.production.models import Consumption, OperationRun, Unit


def runs_of(unit: Unit) -> QuerySet[OperationRun]:
    """The unit's way through the operations, in order, rework after the first run."""
    return (
        OperationRun.objects.filter(unit=unit)
        .select_related("operation", "equipment")
        .prefetch_related("operation__parameters")
        .order_by("operation__sequence", "operation__code", "run_no")
    )


def consumed_by(unit: Unit) -> QuerySet[Consumption]:
    """The lots that went into the unit."""
    return (
        Consumption.objects.filter(unit=unit)
        .select_related("operation", "lot__material", "lot__supplier")
        .order_by("operation__sequence", "lot__material__code")
    )


def readings_of(run: OperationRun) -> dict[str, float]:
    """Parameter code → value, as the MES sent them last."""
    return dict(run.readings)
