"""Enqueue, claim, keep alive and end jobs.

Every state change is one conditional update: whoever changes the row has won. What a
worker does with its job is in `claims.py`, what is done for dead ones in `recovery.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Least
from django.utils import timezone

from traceability.jobs.claims import claim, claim_all, fail, heartbeat, put_off, succeed
from traceability.jobs.messages import announce, publish
from traceability.jobs.models import Job, JobState
from traceability.jobs.recovery import release, sweep

__all__ = [
    "claim",
    "claim_all",
    "enqueue",
    "fail",
    "heartbeat",
    "publish",
    "put_off",
    "release",
    "succeed",
    "sweep",
]


def enqueue(
    task: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    queue: str,
    tenant: int | None = None,
    dedup_key: str | None = None,
    not_before: datetime | None = None,
) -> Job:
    """Write a job in the caller's transaction and wake a worker once it commits.

    `tenant` is the id of the site whose people and keys may see it; nobody's without.

    With a `dedup_key` an already pending job is returned instead of a second one; it
    keeps its arguments, is brought forward if this call wants it earlier, and is not
    claimed before the caller's transaction has ended. Losing the wake-up call costs
    seconds: the sweep publishes again.
    """
    now = timezone.now()
    due = not_before or now
    job = Job(
        task=task,
        queue=queue,
        tenant=tenant,
        arguments=dict(arguments or {}),
        dedup_key=dedup_key,
        not_before=due,
        published_at=now if due <= now else None,
        created_at=now,
    )
    if dedup_key is None:
        return _insert(job)
    while True:
        pending = _join(dedup_key, due, now)
        if pending is not None:
            return pending
        try:
            with transaction.atomic():
                return _insert(job)
        except IntegrityError:
            continue  # somebody else's was first; it may be claimed by now, or not


def _insert(job: Job) -> Job:
    job.save(force_insert=True)
    if job.published_at is not None:
        transaction.on_commit(partial(announce, [job]), robust=True)
    return job


def _join(dedup_key: str, due: datetime, now: datetime) -> Job | None:
    """The pending job of this key, locked by an update until the caller commits.

    Without the lock a worker could claim it, read the tables without what the caller
    is about to commit, and nobody would look at that again.
    """
    pending = Job.objects.filter(dedup_key=dedup_key, state=JobState.PENDING)
    with transaction.atomic():
        if not pending.update(not_before=Least(F("not_before"), Value(due))):
            return None
        job = pending.get()
        if job.not_before <= now and job.published_at is None:
            transaction.on_commit(partial(publish, [job]), robust=True)
        return job
