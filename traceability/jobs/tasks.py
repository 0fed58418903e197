"""The sweep, every second."""

from __future__ import annotations

from celery import shared_task

from traceability.jobs import services


@shared_task(name="jobs.sweep")
def sweep() -> None:
    services.sweep()
