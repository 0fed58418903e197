"""The sweep of snapshots, every hour."""

from __future__ import annotations

from celery import shared_task

from traceability.attribution import snapshots


@shared_task(name="attribution.sweep_snapshots")
def sweep_snapshots() -> None:
    snapshots.sweep()
