"""Bad settings become system checks: named, explained, with a hint."""

from __future__ import annotations

import zoneinfo
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


@register
def time_zone_exists(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.TIME_ZONE in zoneinfo.available_timezones():
        return []
    return [
        Error(
            f"CAUSELINE_TIME_ZONE: {settings.TIME_ZONE!r} is no time zone.",
            hint="Use a name like Asia/Shanghai or Europe/Berlin.",
            id="causeline.E002",
        )
    ]


@register
def language_is_offered(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    offered = [code for code, _ in settings.LANGUAGES]
    if settings.LANGUAGE_CODE in offered:
        return []
    return [
        Error(
            f"CAUSELINE_LANGUAGE: {settings.LANGUAGE_CODE!r} is not offered.",
            hint=f"Use one of {', '.join(offered)}.",
            id="causeline.E003",
        )
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
