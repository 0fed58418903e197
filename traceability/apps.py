from __future__ import annotations

from django.apps import AppConfig


class TraceabilityConfig(AppConfig):
    name = "traceability"

    def ready(self) -> None:
        # Registers the system checks, and the Celery app that `enqueue` sends with.
        import traceability.celery
        import traceability.checks  # noqa: F401
