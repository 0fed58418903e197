"""The worker's tasks. Every Celery process imports this, so it loads nothing heavy."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task


@shared_task(name="inference_worker.inspect")
def inspect(job_id: str) -> None:
    """Inspect the image of a job; whatever comes of it is written down."""
    from inference_worker.worker import desk

    desk().inspect(UUID(job_id))
