"""Take jobs, keep them, and end them: what a worker does with its job.

A claim is known by its worker and its attempt, so that even a process that slept
through its lease and claimed the same job again cannot end it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from traceability.jobs.models import Job, JobState
from traceability.jobs.recovery import BLAMELESS
from traceability.jobs.waiting import wait_again


def claim(job_id: UUID | str, worker: str) -> Job | None:
    """Take a pending job for `worker`, counting the attempt, or return None.

    None means somebody else has it, it is done or not due yet. `worker`
    names one process; commit before the work begins, or a crash would not count.
    """
    return next(iter(claim_all([job_id], worker)), None)


def claim_all(
    job_ids: Iterable[UUID | str],
    worker: str,
    *,
    tried_below: int | None = None,
    blameless: bool = False,
) -> list[Job]:
    """Take those of the jobs that can be taken, in one transaction.

    `tried_below` leaves out what was attempted so often before: it may be what kills
    workers. `blameless` says that it could not be the job that kills this one, so its
    death will not count as an attempt.
    """
    ids = list(job_ids)
    now = timezone.now()
    limit = settings.JOB_MAX_ATTEMPTS if tried_below is None else tried_below
    leased_by = worker + BLAMELESS if blameless else worker
    with transaction.atomic():
        Job.objects.filter(
            id__in=ids,
            state=JobState.PENDING,
            not_before__lte=now,
            attempts__lt=limit,
        ).update(
            state=JobState.RUNNING,
            attempts=F("attempts") + 1,
            leased_by=leased_by,
            leased_until=now + timedelta(seconds=settings.JOB_LEASE_SECONDS),
            started_at=now,
        )
        # `started_at` tells this claim from an earlier one of the same worker.
        return list(
            Job.objects.filter(
                id__in=ids,
                state=JobState.RUNNING,
                leased_by=leased_by,
                started_at=now,
            )
        )


def heartbeat(job_ids: Iterable[UUID], worker: str) -> int:
    """Prolong the leases that `worker` still holds; returns how many those are."""
    until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    return Job.objects.filter(
        id__in=list(job_ids),
        state=JobState.RUNNING,
        leased_by__in=[worker, worker + BLAMELESS],
    ).update(leased_until=until)


def succeed(jobs: Iterable[Job], message: str = "") -> set[UUID]:
    """End the jobs whose claim still stands; returns the ids of those."""
    return _end(jobs, JobState.SUCCEEDED, message=message[:500], progress=100)


def fail(job: Job, code: str, message: str, *, final: bool = False) -> JobState:
    """Give a job back for another attempt, or end it when `final` or out of attempts.

    Out of attempts means quarantine: the work itself may be what is wrong. Returns the
    state it was brought to; PENDING also when the claim no longer stands, for then its
    end is another worker's to tell.
    """
    error = {"error_code": code[:50], "message": message[:500]}
    if not final and job.attempts < settings.JOB_MAX_ATTEMPTS:
        _give_back(job, **error)
        return JobState.PENDING
    state = JobState.FAILED if final else JobState.QUARANTINED
    return state if _end([job], state, **error) else JobState.PENDING


def put_off(job: Job, code: str, message: str, seconds: float) -> None:
    """Give a job back that nobody could work on: the attempt does not count."""
    wait_again(
        _held(job),
        attempts=F("attempts") - 1,
        not_before=timezone.now() + timedelta(seconds=seconds),
        error_code=code[:50],
        message=message[:500],
    )


def _give_back(job: Job, **changes: Any) -> None:
    """Let a job wait for another attempt, a little longer each time."""
    pause = timedelta(seconds=2**job.attempts)
    wait_again(_held(job), not_before=timezone.now() + pause, **changes)


def _held(job: Job) -> QuerySet[Job]:
    """The job's row while the claim that made `job` stands."""
    return Job.objects.filter(
        id=job.id,
        state=JobState.RUNNING,
        leased_by=job.leased_by,
        attempts=job.attempts,
    )


def _end(jobs: Iterable[Job], state: JobState, **changes: Any) -> set[UUID]:
    claims = {(job.id, job.leased_by, job.attempts) for job in jobs}
    with transaction.atomic():
        running = Job.objects.select_for_update().filter(
            id__in=[claim[0] for claim in claims], state=JobState.RUNNING
        )
        rows = running.order_by("id").values_list("id", "leased_by", "attempts")
        held = {row[0] for row in rows if row in claims}
        Job.objects.filter(id__in=held).update(
            state=state, finished_at=timezone.now(), leased_until=None, **changes
        )
    return held
