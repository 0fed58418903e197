"""The sweep of what no row names, every hour."""

from __future__ import annotations

from celery import shared_task

from traceability.inspection import sweeping


@shared_task(name="inspection.sweep_orphans")
def sweep_orphans() -> None:
    sweeping.sweep_orphans()
