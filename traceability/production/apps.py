from __future__ import annotations

from django.apps import AppConfig


class ProductionConfig(AppConfig):
    name = "traceability.production"
