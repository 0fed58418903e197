"""Put back what dead workers held, and publish what is due or was lost."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from traceability.jobs.messages import publish_waiting
from traceability.jobs.models import Job, JobState
from traceability.jobs.waiting import wait_again
from traceability.outbox.services import emit

QUARANTINED = "job.quarantined"
# Ends the name of a worker whose death says nothing about the job; see `claim_all`.
BLAMELESS = "~"


def sweep() -> dict[str, int]:
    """Returns counts of what was `released`, `quarantined` and `published`."""
    now = timezone.now()
    running = Job.objects.filter(state=JobState.RUNNING)
    counts = _put_back(running.filter(leased_until__lt=now))
    return {**counts, "published": publish_waiting(now)}


def release(worker_prefix: str) -> dict[str, int]:
    """Put back at once what workers whose name begins like this held.

    Only for who knows that they are all dead. Returns counts as `sweep` does.
    """
    held = Job.objects.filter(
        state=JobState.RUNNING, leased_by__startswith=worker_prefix
    )
    return _put_back(held)


def _put_back(dead: QuerySet[Job]) -> dict[str, int]:
    """1. An attempt that cannot have killed its worker does not count.
    2. What has used up its attempts may be what kills workers: quarantine, and tell.
    3. The rest waits again.
    """
    blameless = dead.filter(leased_by__endswith=BLAMELESS)
    released = wait_again(blameless, attempts=F("attempts") - 1)
    spent = dead.filter(attempts__gte=settings.JOB_MAX_ATTEMPTS)
    quarantined = sum(_quarantine(spent.filter(pk=job.pk), job) for job in spent)
    released += wait_again(dead)
    return {"released": released, "quarantined": quarantined}


@transaction.atomic
def _quarantine(row: QuerySet[Job], job: Job) -> int:
    changed = row.update(
        state=JobState.QUARANTINED,
        leased_until=None,
        finished_at=timezone.now(),
        error_code="worker_lost",
        message="Every worker that tried this job died.",
    )
    if changed:
        payload = {"job": str(job.pk), "task": job.task, "arguments": job.arguments}
        emit(QUARANTINED, key=f"job:{job.pk}", payload=payload)
    return changed
