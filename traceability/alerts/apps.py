from __future__ import annotations

from django.apps import AppConfig

from traceability.outbox import renderers


class AlertsConfig(AppConfig):
    name = "traceability.alerts"

    def ready(self) -> None:
        renderers.register("alert", "traceability.alerts.mail.render")
        renderers.register("link", "traceability.alerts.links.render")
