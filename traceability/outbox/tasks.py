"""Dispatch events and send what must leave the house."""

from __future__ import annotations

from celery import shared_task

from traceability.outbox import deliveries, services


@shared_task(name="outbox.dispatch")
def dispatch() -> None:
    while services.dispatch():
        pass


@shared_task(name="outbox.deliver")
def deliver() -> None:
    deliveries.deliver_due()
