"""The analysis worker's task."""

from __future__ import annotations

import logging
import os
import socket

from celery import shared_task

from traceability.attribution.services import TASK
from traceability.catalog.models import Line
from traceability.jobs import services
from traceability.jobs.leases import kept_alive
from traceability.jobs.models import Job
from traceability.lib.errors import CauselineError

logger = logging.getLogger(__name__)


@shared_task(name=TASK)
def analyse(job_id: str) -> None:
    """Claim the job, analyse its line, end the job."""
    job = services.claim(
        job_id, worker=f"analysis@{socket.gethostname()}:{os.getpid()}"
    )
    if job is None:
        return
    with kept_alive(job):
        _work(job)


def _work(job: Job) -> None:
    # Every Celery process imports this module; only this one needs pandas and scipy.
    from analytics.runs import analyse_line

    line = Line.objects.filter(pk=job.arguments["line"]).first()
    if line is None:
        services.fail(job, "line_gone", "The line was deleted.", final=True)
        return
    try:
        run = analyse_line(line)
    except CauselineError as error:
        services.fail(job, error.code, error.message, final=True)
    except Exception as error:
        # Whatever it was, the job row must say so; the line goes on.
        logger.exception("analysis of %s failed", line)
        services.fail(job, "analysis_failed", repr(error))
    else:
        services.succeed([job], message=str(run.pk))
