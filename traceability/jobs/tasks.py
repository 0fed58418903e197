"""The sweep, every second, and the sign of life of a worker."""

from __future__ import annotations

from celery import shared_task

from traceability.jobs import recovery
from traceability.lib.redis import client

PONG_SECONDS = 30


@shared_task(name="jobs.sweep")
def sweep() -> None:
    recovery.sweep()


@shared_task(name="jobs.ping")
def ping(token: str) -> None:
    """Answer on the list `causeline:pong:<token>`: this queue has a worker."""
    answer = f"causeline:pong:{token}"
    client().lpush(answer, 1)
    client().expire(answer, PONG_SECONDS)
