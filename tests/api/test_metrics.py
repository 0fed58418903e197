"""What the web lets Prometheus read, whatever the database does."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client import CollectorRegistry
from pytest_django import Settings

from tests.metrics.scrape import Figures, parse, value
from traceability.alerts.models import Alert, AlertKind, AlertRule, AlertState
from traceability.catalog.models import Line, Site
from traceability.jobs.services import enqueue
from traceability.lib.exposition import written
from traceability.outbox.services import emit, send_later

pytestmark = pytest.mark.django_db(transaction=True)


def read() -> Figures:
    bearer = {"Authorization": f"Bearer {settings.METRICS_TOKEN}"}
    answer = Client(headers=bearer).get("/metrics")
    assert answer.status_code == 200
    return parse(answer.content.decode())


def test_what_is_open_is_counted_by_what_it_is(redis: object) -> None:
    for queue in ("inspect", "inspect", "analysis"):
        enqueue("nothing", queue=queue)
    emit("tick", "a")
    send_later("email", "a@example.com", {}, dedup_key="1")
    found = read()
    waiting = "causeline_outbox_waiting"
    assert value(found, "causeline_jobs", queue="inspect", state="pending") == 2
    assert value(found, "causeline_jobs", queue="analysis", state="pending") == 1
    assert value(found, "causeline_jobs_oldest_due_seconds", queue="inspect") > 0
    assert [
        value(found, waiting, what=one)
        for one in ("events", "deliveries", "publications")
    ] == [1, 1, 0]


def test_alerts_are_counted_for_good_and_while_they_live(site: Site) -> None:
    line = Line.objects.create(site=site, code="L1")
    rule = AlertRule.objects.create(site=site, kind=AlertKind.DEGRADED)
    about: dict[str, Any] = {"rule": rule, "site": site, "line": line}
    about |= dict.fromkeys(("event_at", "last_event_at", "raised_at"), timezone.now())
    for number, state in enumerate(AlertState.values):
        Alert.objects.create(**about, key=str(number), state=state)
    found = read()
    assert value(found, "causeline_alerts_raised_total", kind="degraded") == 4
    assert value(found, "causeline_alerts_live", kind="degraded") == 2
    assert value(found, "causeline_alerts_live", kind="excursion") == 0


def test_without_a_database_the_rest_is_told() -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    read()
    with connection.execute_wrapper(away):
        found = read()
    assert value(found, "causeline_database_up") == 0
    assert ("causeline_outbox_waiting", frozenset({("what", "events")})) not in found
    counted = {"method": "GET", "route": "metrics", "status": "200"}
    assert value(found, "causeline_http_requests_total", **counted) > 0
    assert value(read(), "causeline_database_up") == 1


def test_a_scraper_gets_the_format_that_it_asks_for() -> None:
    answer = Client(
        headers={
            "Authorization": f"bearer {settings.METRICS_TOKEN}",
            "Accept": "application/openmetrics-text;version=1.0.0",
        }
    ).get("/metrics")
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.endswith(b"# EOF\n")


@pytest.mark.parametrize("version", ["abc", "1.x.0", ""])
def test_a_version_that_is_none_is_answered_in_the_usual_format(version: str) -> None:
    wanted = f"application/openmetrics-text;version={version}"
    body, content_type = written(CollectorRegistry(), wanted)
    assert content_type.startswith(("text/plain", "application/openmetrics-text"))
    assert isinstance(body, bytes)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic {token}"])
def test_it_tells_nothing_without_the_token(header: str | None) -> None:
    given = header and header.format(token=settings.METRICS_TOKEN)
    answer = Client(headers={"Authorization": given} if given else {}).get("/metrics")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert b"causeline_jobs" not in answer.content


def test_nobody_has_an_empty_token(settings: Settings) -> None:
    """As a power cut leaves a file that was just made."""
    settings.METRICS_TOKEN = ""
    for header in ("Bearer", "Bearer "):
        answer = Client(headers={"Authorization": header}).get("/metrics")
        assert answer.status_code == 401


def test_made_up_addresses_and_methods_make_no_series() -> None:
    client = Client()
    for n in range(3):
        client.generic(f"MADE{n}", f"/up/{n}/")
    name = "causeline_http_requests_total"
    ours = {labels for one, labels in read() if one == name}
    methods = {dict(labels)["method"] for labels in ours}
    routes = {dict(labels)["route"] for labels in ours}
    assert "other" in methods
    assert not [one for one in methods | routes if "MADE" in one or "up/" in one]
