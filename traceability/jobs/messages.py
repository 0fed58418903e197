"""The wake-up messages of jobs, and which of them got lost.

A message carries its job's id and, in a header, the time it was published. Queues are
first in, first out, so the oldest message in a queue tells which are missing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from redis.exceptions import RedisError

from traceability.jobs.models import Job, JobState
from traceability.lib.broker import BrokerDown, send
from traceability.lib.redis import client

logger = logging.getLogger(__name__)

HEADER = "published_at"
# A message leaves its queue when a worker takes it in hand, and its job leaves PENDING
# a moment later, unless that worker is busy with something long.
QUICK = timedelta(seconds=3)
IN_HAND = timedelta(seconds=60)
PUBLISH_LIMIT = 1000


def publish(jobs: Iterable[Job]) -> int:
    """Send wake-up messages and note it; returns how many went out.

    A dead broker is no error: what could not be sent stays noted as unsent.
    """
    waiting = list(jobs)
    now = timezone.now()
    _waiting_rows(waiting).update(published_at=now)
    for job in waiting:
        job.published_at = now
    return announce(waiting)


def announce(jobs: list[Job]) -> int:
    """Send the messages of jobs whose rows already say that they are published."""
    for sent, job in enumerate(jobs):
        try:
            headers = {HEADER: (job.published_at or timezone.now()).isoformat()}
            send(job.task, [str(job.id)], queue=job.queue, headers=headers)
        except BrokerDown as error:
            logger.warning("the sweep will publish %s again: %s", job, error)
            _waiting_rows(jobs[sent:]).update(published_at=None)
            return sent
    return len(jobs)


def publish_waiting(now: datetime) -> int:
    """Publish due jobs that no message stands for; returns how many."""
    due = Job.objects.filter(state=JobState.PENDING, not_before__lte=now)
    return sum(
        _publish_queue(due.filter(queue=queue), queue, now)
        for queue in due.order_by().values_list("queue", flat=True).distinct()
    )


def _publish_queue(due: QuerySet[Job], queue: str, now: datetime) -> int:
    unsent = Q(published_at__isnull=True)
    lost_before = _lost_before(queue, now)
    if lost_before is not None:
        unsent |= Q(published_at__lt=lost_before)
    jobs = list(due.filter(unsent).order_by("not_before")[:PUBLISH_LIMIT])
    return publish(jobs) if jobs else 0


def _lost_before(queue: str, now: datetime) -> datetime | None:
    """A pending job published before this has no message any more; None: cannot know.

    The broker may have lost its memory, or a worker died with the message in hand.
    """
    try:
        oldest = client().lindex(queue, -1)
    except RedisError:
        return None
    busy = Job.objects.filter(
        queue=queue,
        state=JobState.RUNNING,
        started_at__lt=now - QUICK,
        leased_until__gte=now,
    )
    grace = IN_HAND if busy.exists() else QUICK
    return min(now, _published(oldest) or now) - grace


def _published(message: object) -> datetime | None:
    """The time in a message's header; None without a message or a header."""
    if not isinstance(message, bytes):
        return None
    try:
        return datetime.fromisoformat(json.loads(message)["headers"][HEADER])
    except (KeyError, TypeError, ValueError):
        return None


def _waiting_rows(jobs: list[Job]) -> QuerySet[Job]:
    return Job.objects.filter(id__in=[job.id for job in jobs], state=JobState.PENDING)
