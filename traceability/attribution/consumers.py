"""What the analysis does when something happened."""

from __future__ import annotations

from traceability.attribution.services import analysis_waits, request_analysis
from traceability.catalog.models import Line
from traceability.outbox.consuming import concerned_if
from traceability.outbox.models import Event


def _concerned(event: Event) -> bool:
    kind, about = event.kind, event.payload
    return kind == "inspection.finished" and not analysis_waits(about["line"])


@concerned_if(_concerned)
def on_event(event: Event) -> None:
    """A finished inspection asks for an analysis of its line, unless one waits."""
    line = Line.objects.filter(pk=event.payload["line"]).first()
    if line is not None:
        request_analysis(line)
