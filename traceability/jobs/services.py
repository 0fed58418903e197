"""Enqueue, claim, keep alive and end jobs.

Every state change is one conditional update: whoever changes the row has won. What a
worker does with its job is in `claims.py`, what is done for dead ones in `recovery.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, NotRequired, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Least
from django.utils import timezone

from traceability.jobs.claims import (
    claim,
    claim_all,
    fail,
    heartbeat,
    put_off,
    succeed,
    success,
)
from traceability.jobs.messages import announce, publish
from traceability.jobs.models import Job, JobState
from traceability.jobs.recovery import release, sweep
from traceability.lib.statements import insertion, run_all

__all__ = [
    "Draft",
    "claim",
    "claim_all",
    "enqueue",
    "fail",
    "heartbeat",
    "publish",
    "put_off",
    "release",
    "succeed",
    "success",
    "sweep",
]


class About(TypedDict):
    """What a job may be given besides its task and its arguments.

    `tenant` is the id of the site whose people and keys may see it; nobody's without.
    With a `dedup_key` it joins an already pending job of that key, which keeps its
    arguments, is brought forward if this one is wanted earlier, and is not claimed
    before the caller's transaction has ended.
    """

    queue: str
    tenant: NotRequired[int | None]
    dedup_key: NotRequired[str | None]
    not_before: NotRequired[datetime | None]


class Draft:
    """A job whose row is worded before the transaction that it belongs to."""

    def __init__(
        self,
        task: str,
        arguments: Mapping[str, Any] | None = None,
        **about: Unpack[About],
    ) -> None:
        now = timezone.now()
        due = about.get("not_before") or now
        self._job = Job(
            task=task,
            queue=about["queue"],
            tenant=about.get("tenant"),
            arguments=dict(arguments or {}),
            dedup_key=about.get("dedup_key"),
            not_before=due,
            published_at=now if due <= now else None,
            created_at=now,
        )
        self._rows = insertion([self._job])

    def enter(self) -> Job:
        """Write it in the caller's transaction and wake a worker once it commits; the
        pending job instead, where there is one to join. Losing the wake-up call costs
        seconds: the sweep publishes again.
        """
        job = self._job
        if job.dedup_key is None:
            return self._insert()
        while True:
            pending = _join(job.dedup_key, job.not_before, job.created_at)
            if pending is not None:
                return pending
            try:
                with transaction.atomic():
                    return self._insert()
            except IntegrityError:
                continue  # another's was first; it may be claimed by now, or not

    def _insert(self) -> Job:
        run_all(self._rows)
        if self._job.published_at is not None:
            transaction.on_commit(partial(announce, [self._job]), robust=True)
        return self._job


def enqueue(
    task: str, arguments: Mapping[str, Any] | None = None, **about: Unpack[About]
) -> Job:
    """Write a job in the caller's transaction; see `About` and `Draft.enter`."""
    return Draft(task, arguments, **about).enter()


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
