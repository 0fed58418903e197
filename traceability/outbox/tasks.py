"""Dispatch events, send what must leave the house, and sweep up behind both."""

from __future__ import annotations

import time

from celery import shared_task

from traceability.outbox import deliveries, links, services, sweeping, wake
from traceability.outbox.dispatching import BATCH

# A task gives its worker back after this long and queues up again behind the others.
TURN_SECONDS = 2.0


@shared_task(name="outbox.dispatch")
def dispatch() -> None:
    end = time.monotonic() + TURN_SECONDS
    while services.dispatch(limit=BATCH):
        if time.monotonic() > end:
            wake.publish("outbox.dispatch")
            return


@shared_task(name="outbox.deliver")
def deliver() -> None:
    deliveries.deliver_due()


@shared_task(name="outbox.watch")
def watch() -> None:
    links.watch()


@shared_task(name="outbox.sweep")
def sweep() -> None:
    sweeping.sweep()
