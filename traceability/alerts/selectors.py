"""Which rule decides, and which alerts there already are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet, Subquery

from traceability.alerts.models import Alert, AlertKind, AlertRule, AlertState
from traceability.alerts.runs import Span
from traceability.attribution.models import Problem
from traceability.attribution.selectors import problems_now
from traceability.catalog.models import Line, Site, Station
from traceability.inspection.models import Defect, Image, InspectionRole
from traceability.outbox.dispatching import BATCH

LIVE = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
SURE_AMONG = 20


def rules_at(kind: AlertKind, line: Line, station: Station | None) -> list[AlertRule]:
    """All rules of a kind that cover the place, the most specific first.

    A station comes before its line, a line before the site, then a class before any
    class; of equals the one that asks for less comes first.
    """
    covering = AlertRule.objects.filter(
        Q(line=None) | Q(line=line), site=line.site_id, kind=kind
    ).filter(Q(station=None) | Q(station=station))
    return sorted(covering.order_by("consecutive", "id"), key=_breadth)


def _breadth(rule: AlertRule) -> tuple[bool, bool, bool]:
    return (
        rule.station_id is None,
        rule.line_id is None and rule.station_id is None,
        rule.defect_class_id is None,
    )


def rule_for(
    rules: Iterable[AlertRule], defect_class_id: int | None
) -> AlertRule | None:
    """The first of `rules_at` that covers the class; None if it is not enabled.

    What is not about a class has None for it: rules for one class do not cover it.
    """
    for rule in rules:
        if rule.defect_class_id in (None, defect_class_id):
            return rule if rule.enabled else None
    return None


def alerts_of(sites: Iterable[Site]) -> QuerySet[Alert]:
    """The alerts of these sites with what a row shows, newest first; one query."""
    return (
        Alert.objects.filter(site__in=list(sites))
        .select_related("rule", "site", "line", "station", "defect_class", "problem")
        .order_by("-raised_at")
    )


def alerts_of_runs(
    rules: Iterable[AlertRule], station: Station, span: Span
) -> QuerySet[Alert]:
    """Alerts about consecutive defects at a station that were not taken back and reach
    that span of time, the oldest first.
    """
    return (
        Alert.objects.filter(rule__in=list(rules), station=station)
        .filter(event_at__lte=span.until, last_event_at__gte=span.since)
        .exclude(state=AlertState.WITHDRAWN)
        .order_by("raised_at", "id")
    )


def runs_told_at(station_id: int, at: datetime) -> bool:
    """Is there an alert of a run at the station and time, not yet over?"""
    return Alert.objects.filter(
        rule__kind=AlertKind.CONSECUTIVE,
        station=station_id,
        state__in=LIVE,
        event_at__lte=at,
        last_event_at__gte=at,
    ).exists()


def run_goes_on(station_id: int, classes: Iterable[str], at: datetime) -> bool:
    """Is there an alert of a run of one of these classes (codes) that had gone on until
    a moment before that time?

    A moment is as many photos as a dispatcher takes at once: of those it asks this
    before it has judged the first.
    """
    before = Image.objects.filter(station=station_id, captured_at__lt=at)
    some_ago = before.order_by("-captured_at").values("captured_at")[BATCH - 1 : BATCH]
    told = Alert.objects.filter(
        rule__kind=AlertKind.CONSECUTIVE,
        station=station_id,
        defect_class__code__in=list(classes),
    )
    return (
        told.filter(event_at__lte=at, last_event_at__gte=Subquery(some_ago))
        .exclude(state=AlertState.WITHDRAWN)
        .exists()
    )


def newest_problems(line: Line) -> dict[int, Problem]:
    """What the line's latest analysis says first of each class."""
    newest: dict[int, Problem] = {}
    for problem in problems_now(line):
        newest.setdefault(problem.defect_class_id, problem)
    return newest


def closed_since_onset(key: str, problem: Problem) -> bool:
    """Whether somebody closed this excursion: after it had begun."""
    return closed_since(key, problem.onset or problem.run.finished_at)


def closed_since(key: str, began: datetime) -> bool:
    """Whether somebody closed an alert of the key after it had begun."""
    return Alert.objects.filter(
        key=key, state=AlertState.CLOSED, closed_at__gte=began
    ).exists()


def shown_defect(alert: Alert) -> Defect | None:
    """The defect to show: the surest of the alert's photo, or of its newest ones.

    None where there is none, and for what is not about a class of defects.
    """
    if alert.defect_class_id is None:
        return None
    defects = Defect.objects.filter(defect_class=alert.defect_class).select_related(
        "defect_class", "inspection__image__unit", "inspection__image__station"
    )
    if alert.inspection_id is not None:
        return defects.filter(inspection=alert.inspection_id).order_by("-score").first()
    newest = defects.filter(
        inspection__role=InspectionRole.LIVE,
        inspection__image__station__line=alert.line,
        inspection__image__captured_at__range=(alert.event_at, alert.last_event_at),
    ).order_by("-inspection__image__captured_at")[:SURE_AMONG]
    return max(newest, key=lambda defect: defect.score, default=None)
