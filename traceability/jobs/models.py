"""Jobs: the durable record of everything that is done later."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    PENDING = "pending", _("waiting")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("done")
    FAILED = "failed", _("failed")
    QUARANTINED = "quarantined", _("quarantined")


OPEN_STATES = (JobState.PENDING, JobState.RUNNING)


class Job(models.Model):
    """One piece of work. The row is the truth; the Celery message only wakes a worker.

    A worker claims it by a conditional update that also counts the attempt, keeps its
    lease alive while it works, and ends it by a second conditional update. At most one
    open job exists per `dedup_key`.

    `tenant` is the id of the site that may see the job, without a foreign key: jobs are
    below the catalog and know nothing of it. NULL means that no site may see it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    task = models.CharField(max_length=100)
    tenant = models.BigIntegerField(null=True, blank=True)
    queue = models.CharField(max_length=20)
    arguments = models.JSONField(default=dict)
    dedup_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    state = models.CharField(max_length=12, choices=JobState, default=JobState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.PositiveSmallIntegerField(default=0, help_text=_("percent"))
    message = models.CharField(max_length=500, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    leased_by = models.CharField(max_length=100, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # NULL keys never collide: only jobs that ask for it are unique.
            models.UniqueConstraint(
                fields=["dedup_key"],
                condition=models.Q(state__in=["pending"]),
                name="job_one_pending_per_key",
            )
        ]
        indexes = [
            # The sweep looks at open jobs only, however many are done.
            models.Index(
                fields=["queue", "not_before"],
                condition=models.Q(state="pending"),
                name="job_pending",
            ),
            models.Index(
                fields=["leased_until"],
                condition=models.Q(state="running"),
                name="job_running",
            ),
            models.Index(fields=["-created_at"], name="job_newest"),
            models.Index(fields=["tenant", "-created_at"], name="job_newest_of_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.id} ({self.state})"
