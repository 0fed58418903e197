"""What inspections do when something happened."""

from __future__ import annotations

from traceability.inspection.entering import TASK
from traceability.inspection.recording import mark_failed
from traceability.jobs.models import Job
from traceability.outbox.consuming import concerned_if
from traceability.outbox.models import Event


@concerned_if(lambda event: event.kind == "job.quarantined")
def on_event(event: Event) -> None:
    """A job that was set aside for good takes its inspection with it."""
    job = Job.objects.filter(pk=event.payload["job"], task=TASK).first()
    if job is not None:
        mark_failed(job, job.error_code, job.message)
