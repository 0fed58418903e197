"""Enqueue, claim, keep alive and end jobs.

Every state change is one conditional update: whoever changes the row has won.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from traceability.jobs.models import Job, JobState
from traceability.lib.redis import client

logger = logging.getLogger(__name__)

# A pending job that was published this long ago is published again even though the
# queue still holds messages: one of them may have been lost while others were not.
REPUBLISH_SECONDS = 60
SWEEP_LIMIT = 1000


def enqueue(
    task: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    queue: str,
    dedup_key: str | None = None,
    not_before: datetime | None = None,
) -> Job:
    """Write a job in the caller's transaction and wake a worker once it commits.

    With a `dedup_key` an already pending job is returned instead of a second one.
    Losing the wake-up call costs a second or two: the sweep publishes again.
    """
    now = timezone.now()
    job = Job(
        task=task,
        queue=queue,
        arguments=dict(arguments or {}),
        dedup_key=dedup_key,
        not_before=not_before or now,
        created_at=now,
    )
    if dedup_key is None:
        job.save(force_insert=True)
    elif (pending := _pending(dedup_key)) is not None:
        return pending
    else:
        try:
            with transaction.atomic():
                job.save(force_insert=True)
        except IntegrityError:
            return Job.objects.get(dedup_key=dedup_key, state=JobState.PENDING)
    if job.not_before <= now:
        transaction.on_commit(lambda: publish([job]))
    return job


def _pending(dedup_key: str) -> Job | None:
    return Job.objects.filter(dedup_key=dedup_key, state=JobState.PENDING).first()


def publish(jobs: Iterable[Job]) -> int:
    """Send wake-up messages; returns how many went out. A dead broker is no error."""
    sent: list[UUID] = []
    try:
        for job in jobs:
            current_app.send_task(
                job.task, args=[str(job.id)], queue=job.queue, retry=False
            )
            sent.append(job.id)
    except (OperationalError, OSError) as error:
        logger.warning("broker unreachable, the sweep will publish again: %s", error)
    Job.objects.filter(id__in=sent).update(published_at=timezone.now())
    return len(sent)


def claim(job_id: UUID | str, worker: str) -> Job | None:
    """Take a pending job for `worker`, counting the attempt, or return None.

    None means somebody else has it, it is done, or it was cancelled. A job that has
    used up its attempts is quarantined instead of being taken.
    """
    now = timezone.now()
    claimed = Job.objects.filter(
        id=job_id,
        state=JobState.PENDING,
        not_before__lte=now,
        attempts__lt=settings.JOB_MAX_ATTEMPTS,
    ).update(
        state=JobState.RUNNING,
        attempts=F("attempts") + 1,
        leased_by=worker,
        leased_until=now + timedelta(seconds=settings.JOB_LEASE_SECONDS),
        started_at=now,
    )
    return Job.objects.get(id=job_id) if claimed else None


def heartbeat(job_ids: Iterable[UUID], worker: str) -> int:
    """Prolong the leases that `worker` still holds; returns how many those are."""
    until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    return _held(job_ids, worker).update(leased_until=until)


def report(job: Job, percent: int, message: str = "") -> bool:
    """Store progress; returns False when the job was asked to stop."""
    Job.objects.filter(id=job.id, state=JobState.RUNNING).update(
        progress=max(0, min(100, percent)), message=message[:500]
    )
    return not Job.objects.filter(id=job.id, cancel_requested=True).exists()


def succeed(jobs: Iterable[Job], message: str = "") -> set[UUID]:
    """End the jobs whose lease is still the caller's; returns the ids that were."""
    return _end(jobs, JobState.SUCCEEDED, message=message, progress=100)


def fail(job: Job, code: str, message: str, *, final: bool = False) -> JobState:
    """Give a job back for another attempt, or end it when `final` or out of attempts.

    Out of attempts means quarantine: the work itself may be what kills workers.
    """
    if not final and job.attempts < settings.JOB_MAX_ATTEMPTS:
        return _retry(job, code, message)
    state = JobState.FAILED if final else JobState.QUARANTINED
    _end([job], state, error_code=code, message=message[:500])
    return state


def _retry(job: Job, code: str, message: str) -> JobState:
    delay = timedelta(seconds=2**job.attempts)
    _held([job.id], job.leased_by).update(
        state=JobState.PENDING,
        leased_by="",
        leased_until=None,
        published_at=None,
        not_before=timezone.now() + delay,
        error_code=code,
        message=message[:500],
    )
    return JobState.PENDING


def cancel(job_id: UUID | str) -> bool:
    """Cancel a waiting job at once; ask a running one to stop at its next report."""
    now = timezone.now()
    if Job.objects.filter(id=job_id, state=JobState.PENDING).update(
        state=JobState.CANCELLED, finished_at=now
    ):
        return True
    return bool(
        Job.objects.filter(id=job_id, state=JobState.RUNNING).update(
            cancel_requested=True
        )
    )


def sweep() -> dict[str, int]:
    """Put back what dead workers held, publish what is due or was lost.

    Returns counts of what was `released`, `quarantined` and `published`.
    """
    now = timezone.now()
    expired = Job.objects.filter(state=JobState.RUNNING, leased_until__lt=now)
    quarantined = expired.filter(attempts__gte=settings.JOB_MAX_ATTEMPTS).update(
        state=JobState.QUARANTINED,
        finished_at=now,
        error_code="worker_lost",
        message="Every worker that tried this job died.",
    )
    released = expired.update(
        state=JobState.PENDING, leased_by="", leased_until=None, published_at=None
    )
    return {
        "released": released,
        "quarantined": quarantined,
        "published": _publish_waiting(now),
    }


def _publish_waiting(now: datetime) -> int:
    """Publish due jobs that no message stands for.

    Never published: at once. Published, but the broker's queue is empty: the message
    is gone (a broker without its memory, a worker killed with it in hand).
    """
    total = 0
    due = Job.objects.filter(state=JobState.PENDING, not_before__lte=now)
    for queue in due.values_list("queue", flat=True).distinct():
        lost = now - timedelta(seconds=_patience(queue))
        waiting = due.filter(queue=queue).filter(
            Q(published_at__isnull=True) | Q(published_at__lt=lost)
        )
        total += publish(waiting.order_by("not_before")[:SWEEP_LIMIT])
    return total


def _patience(queue: str) -> int:
    """Seconds after which a published, still pending job counts as lost."""
    try:
        empty = client().llen(queue) == 0
    except OSError:
        return REPUBLISH_SECONDS
    return 2 if empty else REPUBLISH_SECONDS


def _held(job_ids: Iterable[UUID], worker: str) -> Any:
    return Job.objects.filter(
        id__in=list(job_ids), state=JobState.RUNNING, leased_by=worker
    )


def _end(jobs: Iterable[Job], state: JobState, **changes: Any) -> set[UUID]:
    now = timezone.now()
    return {
        job.id
        for job in jobs
        if _held([job.id], job.leased_by).update(
            state=state, finished_at=now, leased_until=None, **changes
        )
    }
