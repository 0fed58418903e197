"""What the alerts do when something happened."""

from __future__ import annotations

from traceability.alerts import (
    consecutive,
    degraded,
    excursions,
    links,
    parameters,
)
from traceability.attribution.models import AnalysisRun
from traceability.inspection.devices import DEGRADED, MENDED
from traceability.inspection.models import Inspection
from traceability.outbox.models import Event

INSPECTED = ("inspection.finished", "inspection.failed")


def on_event(event: Event) -> None:
    """Judge an analysis or inspection that has ended, or what it told of a parameter.

    A link that is away is told to the administrators.

    The judgement rests on what is stored, not on the order of the events: an event
    that is handed over twice, or late, changes nothing that still holds.
    """
    if event.kind == "analysis.finished":
        runs = AnalysisRun.objects.select_related("line__site")
        run = runs.filter(pk=event.payload["run"]).first()
        if run is not None:
            excursions.judge(run)
    elif event.kind == "parameter.outside":
        parameters.judge(event.payload)
    elif event.kind == "link.away":
        links.tell_administrators(event)
    elif event.kind == DEGRADED:
        degraded.judge(event.payload)
    elif event.kind == MENDED:
        degraded.mended(event.payload)
    elif event.kind in INSPECTED:
        inspections = Inspection.objects.select_related("image__unit", "image__station")
        inspection = inspections.filter(pk=event.payload["inspection"]).first()
        if inspection is not None:
            consecutive.judge(inspection)
