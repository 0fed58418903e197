"""Bad settings become system checks: named, explained, with a hint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from traceability.lib.urls import parts_of


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
def environment_is_known(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """A misspelt name would otherwise be a setting that silently is not set."""
    return [
        Warning(
            f"{name} is no setting of this software.",
            hint="Correct its spelling or unset it; docs/operations.md lists all.",
            id="causeline.W002",
        )
        for name in settings.UNKNOWN_SETTINGS
        if not name.startswith(("CAUSELINE_TEST_", "CAUSELINE_DEMO_"))
    ]


@register
def site_url_is_an_address(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    parts = parts_of(settings.SITE_URL)
    if parts and parts.scheme in {"http", "https"} and parts.hostname:
        return []
    return [
        Error(
            f"CAUSELINE_URL: {settings.SITE_URL!r} is no address.",
            hint="Use the one that people type, like https://quality.example.com.",
            id="causeline.E002",
        )
    ]


@register
def redis_url_is_an_address(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """What it is stays untold: it may hold a password."""
    parts = parts_of(settings.REDIS_URL)
    if parts and parts.scheme in {"redis", "rediss", "redis+socket"}:
        return []
    return [
        Error(
            "CAUSELINE_REDIS_URL is no address of a Redis.",
            hint="Use redis://host:6379/0 or rediss://…, or unset it.",
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
