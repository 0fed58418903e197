"""Whether results get out, as a person and as a probe see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from traceability.lib.mqtt_address import MqttAddress
from traceability.outbox import links, publications
from traceability.outbox.models import Link

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker(settings):
    settings.MQTT = MqttAddress("127.0.0.1", 1, tls=False)
    now = timezone.now()
    return Link.objects.create(
        name=links.MQTT,
        since=now - timedelta(hours=2),
        leased_until=now + timedelta(minutes=1),
        error="Connection refused",
    )


def test_without_a_broker_nobody_speaks_of_it(client, engineer):
    assert "MQTT" not in engineer.get("/jobs/").content.decode()
    assert "mqtt" not in client.get("/readyz").json()


def test_a_broker_that_is_away_is_seen(client, engineer, broker):
    publications.publish("a", "t", {})
    page = engineer.get("/jobs/").content.decode()
    assert "not connected" in page
    assert "1 waiting" in page
    assert "Connection refused" not in page, "where the broker is, is not for everybody"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["mqtt"]) == (200, False)
    assert answer.json()["status"] == "degraded"


def test_one_that_is_there_is_seen_too(client, engineer, broker):
    Link.objects.update(up=True, error="")
    assert ">connected<" in engineer.get("/jobs/").content.decode()
    assert client.get("/readyz").json()["mqtt"]
