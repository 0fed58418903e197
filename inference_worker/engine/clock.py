"""Now, as manifests and key rings write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> str:
    """In UTC, to the second; as text, moments sort as they follow each other."""
    return _text(datetime.now(UTC))


def in_days(days: int) -> str:
    return _text(datetime.now(UTC) + timedelta(days=days))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
