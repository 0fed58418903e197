"""Numbers without gaps, topics without surprises, and who hears of a broken link."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from traceability.lib.mqtt_address import MqttAddress
from traceability.outbox import links, publications, services, sweeping
from traceability.outbox.models import (
    Delivery,
    DeliveryState,
    Event,
    Publication,
    Retain,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _with_a_broker(settings: Settings) -> None:
    settings.MQTT = MqttAddress("127.0.0.1", 1, tls=False, topic="plant/aoi")


def test_what_was_undone_leaves_no_gap() -> None:
    publications.publish("a", "t", {})
    with transaction.atomic():
        publications.publish("a", "t", {})
        transaction.set_rollback(True)
    publications.publish("b", "t", {})
    publications.publish("a", "t", {"said": "短路"})
    found = list(Publication.objects.order_by("id"))
    assert [(one.stream.name, one.sequence) for one in found] == [
        ("a", 1),
        ("b", 1),
        ("a", 2),
    ]
    assert json.loads(found[-1].payload) == {"schema": 1, "sequence": 2, "said": "短路"}


@pytest.mark.parametrize(
    ("levels", "topic"),
    [
        (("S1", "L1", "AOI 1"), "plant/aoi/S1/L1/AOI 1"),
        (("S1", "L/1", "a+b#%"), "plant/aoi/S1/L%2F1/a%2Bb%23%25"),
        (("S1", None, "-"), "plant/aoi/S1/-/%2D"),
        (("线1",), "plant/aoi/线1"),
    ],
)
def test_a_code_is_one_level_of_a_topic(
    levels: tuple[str | None, ...], topic: str
) -> None:
    assert publications.topic_of(*levels) == topic


def test_the_lease_of_a_link_has_one_holder() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        assert links.hold("mqtt", "one")
        assert links.hold("mqtt", "one")
        assert not links.hold("mqtt", "other")
        clock.shift(links.LEASE + timedelta(seconds=1))
        assert links.hold("mqtt", "other")
        links.note("mqtt", "one", up=True)
        assert not links.health().up, "who lost it has no say"


def test_a_link_whose_holder_died_is_down() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        links.hold("mqtt", "one")
        links.note("mqtt", "one", up=True)
        assert links.health().up
        clock.shift(timedelta(minutes=1))
        health = links.health()
        assert not health.up
        assert health.since == NOW + links.LEASE


def told() -> int:
    return Event.objects.filter(kind="link.away").count()


def test_a_broker_that_is_away_for_long_is_told_of_once(settings: Settings) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        for minute in range(30):
            links.watch()
            assert told() == (minute > settings.MQTT_ALERT_MINUTES)
            clock.shift(timedelta(minutes=1))
        links.hold("mqtt", "one")
        links.note("mqtt", "one", up=True)
        links.watch()
        links.note("mqtt", "one", up=False)
        for _minute in range(12):
            links.watch()
            clock.shift(timedelta(minutes=1))
        assert told() == 2


def test_a_message_that_does_not_get_away_is_told_of_too() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        publications.publish("a", "t", {})
        for _minute in range(12):
            links.hold("mqtt", "one")
            links.note("mqtt", "one", up=True, error="t: Not authorized")
            links.watch()
            clock.shift(timedelta(minutes=1))
        assert told() == 1


def test_without_a_broker_nobody_is_told(settings: Settings) -> None:
    settings.MQTT = None
    with time_machine.travel(NOW, tick=False) as clock:
        for _hour in range(3):
            links.watch()
            clock.shift(timedelta(hours=1))
        assert told() == 0


def test_what_is_done_goes_after_some_days_and_the_rest_stays(
    settings: Settings,
) -> None:
    settings.OUTBOX_CONSUMERS = []
    with time_machine.travel(NOW, tick=False) as clock:
        services.emit_all(("old", "", {}) for _ in range(1200))
        while services.dispatch():
            pass
        Event.objects.filter(pk=Event.objects.earliest("pk").pk).update(error="bug")
        services.emit("waiting")
        for n, state in enumerate(DeliveryState.values):
            services.send_later("email", "a@example.com", {}, dedup_key=str(n))
            Delivery.objects.filter(dedup_key=str(n)).update(state=state)
        clock.shift(timedelta(days=settings.OUTBOX_DAYS, hours=1))
        services.emit("new")
        assert sweeping.sweep() == 1199 + 1
        assert [one.kind for one in Event.objects.order_by("pk")] == [
            "old",
            "waiting",
            "new",
        ]
        assert set(Delivery.objects.values_list("state", flat=True)) == {
            DeliveryState.WAITING,
            DeliveryState.FAILED,
        }
        clock.shift(timedelta(days=4 * settings.OUTBOX_DAYS))
        sweeping.sweep()
        assert {one.kind for one in Event.objects.all()} == {"waiting", "new"}


def test_results_that_no_broker_took_are_given_up_but_no_state(
    settings: Settings,
) -> None:
    publications.publish("a", "t", {})
    publications.publish("a", "t", {}, Retain.NO_MORE)
    publications.publish("a", "t", {}, Retain.THIS)
    old = timezone.now() - timedelta(days=settings.MQTT_DAYS, hours=1)
    Publication.objects.update(created_at=old)
    publications.publish("a", "t", {})
    sweeping.sweep()
    left = Publication.objects.order_by("id").values_list("sequence", flat=True)
    assert list(left) == [2, 3, 4]
