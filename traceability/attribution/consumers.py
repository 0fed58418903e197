"""What the analysis does when something happened."""

from __future__ import annotations

from traceability.attribution.services import request_analysis
from traceability.catalog.models import Line
from traceability.outbox.models import Event


def on_event(event: Event) -> None:
    """A finished inspection asks for an analysis of its line."""
    if event.kind == "inspection.finished":
        line = Line.objects.filter(pk=event.payload["line"]).first()
        if line is not None:
            request_analysis(line)
