from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from traceability.jobs import services
from traceability.jobs.models import Job


@pytest.fixture
def job(db: None) -> Job:
    return services.enqueue("task", {"n": 1}, queue="inspect")


@pytest.fixture
def age() -> Callable[..., None]:
    """Move times of a job's row into the past, by seconds."""

    def change(job: Job, **seconds: float) -> None:
        now = timezone.now()
        times = {name: now - timedelta(seconds=s) for name, s in seconds.items()}
        Job.objects.filter(pk=job.pk).update(**times)

    return change
