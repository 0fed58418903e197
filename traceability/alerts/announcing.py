"""What goes out when an alert changes: its state, which the broker retains."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from traceability.alerts.models import Alert
from traceability.alerts.selectors import LIVE
from traceability.outbox.consuming import concerned_if
from traceability.outbox.models import Event, Retain
from traceability.outbox.publications import publish, topic_of


@concerned_if(lambda event: event.kind == "alert.changed")
def on_event(event: Event) -> None:
    """Queue what an alert says now; once it is over, the broker shall forget it."""
    found = Alert.objects.select_related(
        "rule", "site", "line", "station", "defect_class"
    )
    alert = found.filter(pk=event.payload["alert"]).first()
    if alert is None:
        return
    station = alert.station.code if alert.station else None
    place = f"station:{alert.station_id}" if station else f"line:{alert.line_id}"
    publish(
        f"{place}:alert",
        topic_of(alert.site.code, alert.line.code, station, "alert", str(alert.pk)),
        message(alert),
        Retain.THIS if alert.state in LIVE else Retain.NO_MORE,
    )


def message(alert: Alert) -> Mapping[str, Any]:
    """The alert as codes, without words (`docs/schemas/alert.json`)."""
    return {
        "id": str(alert.pk),
        "url": f"{settings.SITE_URL}/alerts/{alert.pk}/",
        "site": alert.site.code,
        "line": alert.line.code,
        "station": alert.station.code if alert.station else None,
        "kind": alert.rule.kind,
        "state": alert.state,
        "defect_class": alert.defect_class.code if alert.defect_class else None,
        "occurrences": alert.occurrences,
        "details": alert.details,
        "event_at": _moment(alert.event_at),
        "last_event_at": _moment(alert.last_event_at),
        "raised_at": _moment(alert.raised_at),
        "acknowledged_at": _moment(alert.acknowledged_at),
        "closed_at": _moment(alert.closed_at),
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
