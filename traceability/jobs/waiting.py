"""Let jobs that somebody had wait for a worker again."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from traceability.jobs.models import Job, JobState

SUPERSEDED = "superseded"


def wait_again(running: QuerySet[Job], **changes: Any) -> int:
    """Bring running jobs back to waiting; returns how many now wait.

    Of a `dedup_key` only one may wait: where another one does by now it will do the
    work, and the one that was running ends as superseded.
    """
    waiting = {
        "state": JobState.PENDING,
        "leased_by": "",
        "leased_until": None,
        "published_at": None,
        **changes,
    }
    keys = dict(running.values_list("pk", "dedup_key"))
    if not keys:
        return 0
    count = running.filter(dedup_key=None).update(**waiting)
    keyed = [running.filter(pk=pk) for pk, key in keys.items() if key is not None]
    return count + sum(_wait_or_end(row, waiting) for row in keyed)


def _wait_or_end(row: QuerySet[Job], waiting: dict[str, Any]) -> int:
    """Only the database can say whether another one waits: it may come just now."""
    try:
        with transaction.atomic():
            return row.update(**waiting)
    except IntegrityError:
        row.update(
            state=JobState.FAILED,
            leased_until=None,
            finished_at=timezone.now(),
            error_code=SUPERSEDED,
            message="A newer job does the same.",
        )
        return 0
