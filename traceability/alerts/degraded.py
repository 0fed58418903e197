"""A way of inspecting photos that does not work, as a worker told it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.dateparse import parse_datetime

from traceability.alerts import services
from traceability.alerts.models import Alert, AlertKind, AlertRule
from traceability.alerts.selectors import LIVE, closed_since, rule_for, rules_at
from traceability.alerts.services import Sighting
from traceability.alerts.telling import Place
from traceability.catalog.models import Line

KEPT = ("place", "rung", "to", "reason", "stage", "code", "message")


def judge(told: Mapping[str, Any]) -> list[Alert]:
    """Apply the rules to an `inspection.degraded` event: one alert for each line that
    has a station. The same way that fails again repeats it, until it is mended.
    """
    at = parse_datetime(told["at"])
    if at is None:
        return []
    raised = []
    for line, rule in _lines():
        key = _key(rule, line, told)
        if not closed_since(key, at):
            seen = Sighting(
                rule=rule,
                key=key,
                place=Place(line),
                defect_class=None,
                event_at=at,
                last_event_at=at,
                details={name: told[name] for name in KEPT},
            )
            raised.append(services.raise_alert(seen))
    return raised


def mended(told: Mapping[str, Any]) -> list[Alert]:
    """Close what `judge` raised for the same way at the same place."""
    keys = [_key(rule, line, told) for line, rule in _lines()]
    live = Alert.objects.filter(key__in=keys, state__in=LIVE).select_related("rule")
    return [alert for alert in live if services.end(alert)]


def _lines() -> Iterator[tuple[Line, AlertRule]]:
    """The lines that photos come from, each with the rule that decides there."""
    lines = Line.objects.filter(stations__isnull=False).select_related("site")
    for line in lines.distinct().order_by("pk"):
        rule = rule_for(rules_at(AlertKind.DEGRADED, line, station=None), None)
        if rule is not None:
            yield line, rule


def _key(rule: AlertRule, line: Line, told: Mapping[str, Any]) -> str:
    about = f"{told['place']}\0{told['rung']}"
    short = hashlib.sha256(about.encode()).hexdigest()[:32]
    return f"degraded:{rule.pk}:{line.pk}:{short}"
