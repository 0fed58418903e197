"""Bad settings become system checks: named, explained, with a hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register
def environment_is_readable(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Every environment variable that had to be ignored."""
    return [
        Error(f"{bad.name}: {bad.problem}.", hint=bad.hint, id="causeline.E001")
        for bad in settings.BAD_SETTINGS
    ]


@register(deploy=True)
def mail_leaves_the_machine(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if "smtp" in settings.EMAIL_BACKEND:
        return []
    return [
        Warning(
            "Alerts are written to files, nobody receives them.",
            hint="Set CAUSELINE_SMTP_URL, for example smtp://mail.example.com:25.",
            id="causeline.W001",
        )
    ]
