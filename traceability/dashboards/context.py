"""What every page needs: the navigation's counters, asked only when shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from traceability.alerts.models import AlertState
from traceability.alerts.selectors import alerts_of
from traceability.catalog.models import Site
from traceability.inspection import devices
from traceability.inspection.selectors import newest_image

FRESH = timedelta(minutes=30)
STALE = timedelta(hours=24)


@dataclass(frozen=True)
class Freshness:
    """When the last photo came in, and whether that is `fresh`, `late` or `stale`."""

    at: datetime | None
    state: str


def shell(request: HttpRequest) -> dict[str, Any]:
    """`open_alerts`, `trouble` and `freshness` cost one query on first use, the last
    one per site.
    """
    sites: list[Site] | None = getattr(request, "sites", None)
    if sites is None:
        return {"version": settings.VERSION}
    return {
        "version": settings.VERSION,
        "sites": sites,
        "open_alerts": _once(lambda: open_alerts(sites)),
        "trouble": _once(devices.in_trouble),
        "freshness": _once(lambda: freshness(sites)),
    }


def open_alerts(sites: list[Site]) -> int:
    """How many alerts nobody has taken on yet."""
    return alerts_of(sites).filter(state=AlertState.OPEN).count()


def freshness(sites: list[Site]) -> Freshness:
    image = newest_image(sites)
    if image is None:
        return Freshness(None, "empty")
    age = timezone.now() - image.received_at
    state = "fresh" if age < FRESH else "late" if age < STALE else "stale"
    return Freshness(image.received_at, state)


def _once(ask: Callable[[], Any]) -> Callable[[], Any]:
    """A callable for a template that asks at most once."""
    answers: list[Any] = []

    def answer() -> Any:
        if not answers:
            answers.append(ask())
        return answers[0]

    return answer
