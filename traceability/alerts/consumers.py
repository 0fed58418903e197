"""What the alerts do when something happened."""

from __future__ import annotations

from datetime import datetime

from traceability.alerts import (
    consecutive,
    degraded,
    excursions,
    links,
    parameters,
)
from traceability.alerts.selectors import run_goes_on, runs_told_at
from traceability.attribution.models import AnalysisRun
from traceability.inspection.devices import DEGRADED, MENDED
from traceability.inspection.models import Inspection
from traceability.outbox.consuming import concerned_if
from traceability.outbox.models import Event

INSPECTED = ("inspection.finished", "inspection.failed")
OTHERS = ("analysis.finished", "parameter.outside", "link.away", DEGRADED, MENDED)


def _concerned(event: Event) -> bool:
    """A good photo, which nearly all are, can only break a run that was told: it costs
    one query when there is none. So does a defective one that makes a run of its class
    longer, as nearly all do where one goes on: its neighbours are read once, when it is
    judged.
    """
    if event.kind not in INSPECTED:
        return event.kind in OTHERS
    about = event.payload
    at = datetime.fromisoformat(about["captured_at"])
    if event.kind == "inspection.finished":
        if not about["classes"]:
            return runs_told_at(about["station"], at)
        if run_goes_on(about["station"], about["classes"], at):
            return True
    inspection = _inspection(event)
    return inspection is not None and consecutive.matters(inspection)


@concerned_if(_concerned)
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
    elif (inspection := _inspection(event)) is not None:
        consecutive.judge(inspection)


def _inspection(event: Event) -> Inspection | None:
    """What it is about; it may have been deleted meanwhile."""
    found = Inspection.objects.select_related("image__unit", "image__station")
    return found.filter(pk=event.payload["inspection"]).first()
