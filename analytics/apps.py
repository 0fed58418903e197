"""Lets `manage.py` find the commands of the analysis; the app has no models."""

from __future__ import annotations

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"
