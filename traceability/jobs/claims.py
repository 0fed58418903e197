"""Take jobs, keep them, and end them: what a worker does with its job.

A claim is known by its worker and its attempt, so that even a process that slept
through its lease and claimed the same job again cannot end it twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import nullcontext
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
from traceability.lib.statements import update


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
    """Take those of the jobs that can be taken, each in one statement with the others
    that were tried as often.

    `tried_below` leaves out what was attempted so often before: it may be what kills
    workers. `blameless` says that it could not be the job that kills this one, so its
    death will not count as an attempt.
    """
    limit = settings.JOB_MAX_ATTEMPTS if tried_below is None else tried_below
    leased_by = worker + BLAMELESS if blameless else worker
    due = Job.objects.filter(
        id__in=list(job_ids),
        state=JobState.PENDING,
        not_before__lte=timezone.now(),
        attempts__lt=limit,
    )
    # Read before they are taken: nobody who wants to write has to wait for that.
    alike = defaultdict[int, list[Job]](list)
    for job in due:
        alike[job.attempts].append(job)
    groups = [jobs for _, jobs in sorted(alike.items())]
    # Together, or an error would leave some taken without anybody's knowing.
    with transaction.atomic() if len(groups) > 1 else nullcontext():
        return [job for jobs in groups for job in _take(jobs, leased_by)]


def _take(jobs: list[Job], leased_by: str) -> list[Job]:
    """Those of the pending jobs, tried as often as each other, that are still so."""
    now, attempts = timezone.now(), jobs[0].attempts
    ids = [job.id for job in jobs]
    claim = {
        "state": JobState.RUNNING,
        "attempts": attempts + 1,
        "leased_by": leased_by,
        "leased_until": now + timedelta(seconds=settings.JOB_LEASE_SECONDS),
        "started_at": now,
    }
    pending = Job.objects.filter(
        id__in=ids, state=JobState.PENDING, attempts=attempts, not_before__lte=now
    )
    taken = pending.update(**claim)
    if 0 < taken < len(jobs):  # somebody else was faster; `started_at` tells for which
        mine = Job.objects.filter(id__in=ids, leased_by=leased_by, started_at=now)
        ours = set(mine.values_list("id", flat=True))
        jobs = [job for job in jobs if job.id in ours]
    for job in jobs if taken else ():
        for name, value in claim.items():
            setattr(job, name, value)
    return jobs if taken else []


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
    return success(jobs, message).write()


def success(jobs: Iterable[Job], message: str = "") -> Ending:
    """What `succeed` does, to be written in a transaction that begins later."""
    return Ending(jobs, JobState.SUCCEEDED, message=message[:500], progress=100)


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
    return state if Ending([job], state, **error).write() else JobState.PENDING


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


class Ending:
    """The end of jobs, worded: one update for all that were claimed by one worker in
    one attempt. Nearly always that is all of them, and all are still held.
    """

    def __init__(self, jobs: Iterable[Job], state: JobState, **changes: Any) -> None:
        claims = defaultdict[tuple[str, int], set[UUID]](set)
        for job in jobs:
            claims[job.leased_by, job.attempts].add(job.id)
        ends = {"state": state, "finished_at": timezone.now(), "leased_until": None}
        self._parts = [
            _Part(ids, leased_by, attempts, ends | changes)
            for (leased_by, attempts), ids in sorted(claims.items())
        ]

    def write(self) -> set[UUID]:
        """The ids of those whose claim still stood."""
        return set[UUID]().union(*(part.write() for part in self._parts))


class _Part:
    """Of one worker and attempt; `ends` says when, by which they are told afterwards
    from those that others have ended.
    """

    def __init__(
        self, ids: set[UUID], leased_by: str, attempts: int, ends: dict[str, Any]
    ) -> None:
        mine = Job.objects.filter(id__in=ids, leased_by=leased_by, attempts=attempts)
        self._update = update(mine.filter(state=JobState.RUNNING), **ends)
        self._ids = ids
        self._ended = mine.filter(state=ends["state"], finished_at=ends["finished_at"])

    def write(self) -> set[UUID]:
        count = self._update.run()
        if count in (0, len(self._ids)):
            return self._ids if count else set()
        return set(self._ended.values_list("id", flat=True))
