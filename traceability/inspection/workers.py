"""The table of where photos are looked at."""

from __future__ import annotations

from django.db import models


class Device(models.Model):
    """Where photos are looked at: the place of one worker process, and its successors.

    `rung` names what it looks with, empty while it can look at nothing. `failures` are
    of what would be better, the best first, as `devices.State` has them; `since` is
    when they last changed. A row that is `degraded` and not told of any more belongs to
    a worker that is gone.
    """

    name = models.CharField(max_length=100, unique=True)
    rung = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=100, blank=True)
    version = models.CharField(max_length=50, blank=True)
    backend = models.CharField(max_length=20, blank=True)
    precision = models.CharField(max_length=10, blank=True)
    failures = models.JSONField(default=list)
    degraded = models.BooleanField(default=False)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.rung or 'nothing'}"
