"""A process parameter that left its limits, as an analysis told it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils.dateparse import parse_datetime

from traceability.alerts import services
from traceability.alerts.models import Alert, AlertKind, AlertRule
from traceability.alerts.selectors import LIVE, closed_since, rule_for, rules_at
from traceability.alerts.services import Sighting
from traceability.alerts.telling import Place
from traceability.catalog.models import Line


def judge(told: Mapping[str, Any]) -> Alert | None:
    """Apply the rules to the payload of a `parameter.outside` event.

    Analyses come every few minutes and tell of the same parameter again: a later one
    repeats its alert. Once somebody has closed it, only a parameter that came back and
    left again raises another one.
    """
    line = Line.objects.select_related("site").filter(pk=told["line"]).first()
    since, last = parse_datetime(told["since"]), parse_datetime(told["last"])
    if line is None or since is None or last is None:
        return None
    rule = rule_for(rules_at(AlertKind.PARAMETER_LIMIT, line, station=None), None)
    if rule is None or closed_since(key := _key(rule, line, told), since):
        return None
    known = Alert.objects.filter(key=key, state__in=LIVE).first()
    if known is not None and known.details["at"] >= told["at"]:
        return known
    seen = Sighting(
        rule=rule,
        key=key,
        place=Place(line),
        defect_class=None,
        event_at=since,
        last_event_at=max(since, last),
        details={name: told[name] for name in KEPT},
    )
    return services.raise_alert(seen)


KEPT = (
    "at",
    *("operation", "parameter", "equipment", "unit_of_measure", "side"),
    *("lower_limit", "upper_limit", "value", "outside", "readings"),
)


def _key(rule: AlertRule, line: Line, told: Mapping[str, Any]) -> str:
    """One for each parameter and machine; names may be longer than a key."""
    about = "\0".join((told["operation"], told["parameter"], told["equipment"]))
    short = hashlib.sha256(about.encode()).hexdigest()[:32]
    return f"parameter_limit:{rule.pk}:{line.pk}:{short}"
