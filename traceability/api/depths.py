"""What waits and what was raised, counted in the database when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from traceability.alerts.models import Alert, AlertKind, AlertState
from traceability.jobs.models import OPEN_STATES, Job, JobState
from traceability.outbox.models import Delivery, DeliveryState, Event, Publication

LIVE = (AlertState.OPEN, AlertState.ACKNOWLEDGED)


class Depths:
    """Each query reads the rows that are open, by an index of those, or alerts."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "causeline_database_up", "Whether the database answered this scrape."
        )
        try:
            found = [*_jobs(), _outbox(), *_alerts()]
        except (DatabaseError, InterfaceError):
            connection.close()  # the next use makes a new one
            found = []
        up.add_metric([], float(bool(found)))
        yield up
        yield from found


def _jobs() -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "causeline_jobs", "Jobs that wait or run.", labels=["queue", "state"]
    )
    age = GaugeMetricFamily(
        "causeline_jobs_oldest_due_seconds",
        "For how long the job has waited that has been due for longest.",
        labels=["queue"],
    )
    for state in OPEN_STATES:  # each has an index, both together have none
        of_state = Job.objects.filter(state=state).order_by()
        for queue, n in of_state.values_list("queue").annotate(n=Count("pk")):
            depth.add_metric([queue, state], n)
    now = timezone.now()
    due = Job.objects.filter(state=JobState.PENDING, not_before__lte=now).order_by()
    for queue, oldest in due.values_list("queue").annotate(since=Min("not_before")):
        age.add_metric([queue], (now - oldest).total_seconds())
    yield depth
    yield age


def _outbox() -> Metric:
    waiting = GaugeMetricFamily(
        "causeline_outbox_waiting",
        "Events not handed over, mails not sent, MQTT messages not published.",
        labels=["what"],
    )
    events = Event.objects.filter(dispatched_at=None)
    deliveries = Delivery.objects.filter(state=DeliveryState.WAITING)
    waiting.add_metric(["events"], events.count())
    waiting.add_metric(["deliveries"], deliveries.count())
    waiting.add_metric(["publications"], Publication.objects.count())
    return waiting


def _alerts() -> Iterator[Metric]:
    raised = CounterMetricFamily(
        "causeline_alerts_raised", "Alerts in the database.", labels=["kind"]
    )
    live = GaugeMetricFamily(
        "causeline_alerts_live", "Alerts open or acknowledged.", labels=["kind"]
    )
    counted = Alert.objects.order_by().values_list("rule__kind", "state")
    rows = list(counted.annotate(n=Count("pk")))
    for kind in AlertKind.values:
        of_kind = [(state, n) for one, state, n in rows if one == kind]
        raised.add_metric([kind], sum(n for _, n in of_kind))
        live.add_metric([kind], sum(n for state, n in of_kind if state in LIVE))
    yield raised
    yield live
