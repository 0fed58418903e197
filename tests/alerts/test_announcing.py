"""What a line's consumers hear of inspections and alerts, against the schemas."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.alerts.scene import Scene
from traceability.accounts.models import Membership, Role, User
from traceability.alerts import services as alerts
from traceability.alerts.models import Alert
from traceability.inspection.models import Inspection, InspectionState
from traceability.inspection.recording import record
from traceability.inspection.results import Box, Detector, InspectionResult
from traceability.jobs import services as jobs
from traceability.lib.mqtt_address import MqttAddress
from traceability.outbox import deliveries, services
from traceability.outbox.models import Delivery, Link, Publication, Retain

pytestmark = pytest.mark.django_db(transaction=True)

PUBLISHERS = [
    "traceability.inspection.announcing.on_event",
    "traceability.alerts.announcing.on_event",
]


@pytest.fixture(autouse=True)
def _with_a_broker(settings: Settings) -> None:
    settings.MQTT = MqttAddress("127.0.0.1", 1, tls=False)
    settings.OUTBOX_CONSUMERS = [*settings.OUTBOX_CONSUMERS, *PUBLISHERS]


def valid(publication: Publication, schema: str) -> dict[str, Any]:
    """What was said, which the documented schema allows, every field of it named."""
    path = django_settings.BASE_DIR / "docs" / "schemas" / f"{schema}.json"
    said: dict[str, Any] = json.loads(publication.payload)
    described = json.loads(path.read_text("utf-8"))
    jsonschema.validate(said, described, format_checker=jsonschema.FormatChecker())
    assert set(said) == set(described["properties"])
    return said


def drain() -> None:
    while services.dispatch():
        pass


def messages(ending: str) -> list[Publication]:
    found = Publication.objects.order_by("id")
    return [one for one in found if ending in one.topic]


def test_every_inspection_is_told_in_its_stations_order(scene: Scene) -> None:
    other = scene.new_station("AOI-2")
    looked = [
        scene.photo(0),
        scene.photo(1, [scene.short, scene.open]),
        scene.photo(2, station=other),
    ]
    Inspection.objects.filter(pk=looked[1].pk).update(trace_id="4b" * 16)
    drain()
    said = [valid(one, "inspection") for one in messages("/inspection")]
    assert [(one["station"], one["sequence"]) for one in said] == [
        ("AOI-1", 1),
        ("AOI-1", 2),
        ("AOI-2", 1),
    ]
    assert [one["id"] for one in said] == [str(one.pk) for one in looked]
    assert [one["trace_id"] for one in said] == ["", "4b" * 16, ""]
    assert [one["category"] for one in said[1]["defects"]] == ["short", "open"]
    topics = [one.topic for one in messages("/inspection")]
    assert topics[0] == "causeline/S1/L1/AOI-1/inspection"
    assert {one.retain for one in messages("/inspection")} == {Retain.NOTHING}


def test_an_alert_is_told_with_every_change_until_it_is_over(scene: Scene) -> None:
    user = scene.user()
    for minute in range(3):
        scene.photo(minute, [scene.short])
    drain()
    alert = Alert.objects.get()
    alerts.acknowledge(alert, user)
    drain()
    alerts.close(alert, user)
    drain()
    told = messages("/alert/")
    said = [valid(one, "alert") for one in told]
    assert {one.topic for one in told} == {f"causeline/S1/L1/AOI-1/alert/{alert.pk}"}
    assert [(one["sequence"], one["state"]) for one in said] == [
        (1, "open"),
        (2, "acknowledged"),
        (3, "closed"),
    ]
    assert [one.retain for one in told] == [Retain.THIS, Retain.THIS, Retain.NO_MORE]


def test_a_run_that_does_not_end_floods_nobody(scene: Scene) -> None:
    for minute in range(20):
        scene.photo(minute, [scene.short])
        drain()
    told = [valid(one, "alert")["occurrences"] for one in messages("/alert/")]
    assert told == [1, 2, 4, 8, 16]


def test_the_transaction_of_a_result_is_what_it_is_without_a_broker(
    scene: Scene, settings: Settings
) -> None:
    """What is published is written later, by whoever hands the event over."""
    detector = Detector("m", "1", "openvino", "f32", ("short",))
    results = []
    for minute in range(3):
        photo = scene.photo(minute, state=InspectionState.PENDING)
        arguments = {"inspection": str(photo.pk)}
        job = jobs.enqueue("inference_worker.inspect", arguments, queue="inspect")
        claimed = jobs.claim(job.pk, "test")
        assert claimed is not None
        boxes = (Box("short", 0.9, 1, 1, 9, 9),)
        results.append(InspectionResult(claimed, photo, detector, boxes))
    record(results[:1])  # knows the detector from now on
    counted = []
    for address, one in ((None, results[1]), (settings.MQTT, results[2])):
        settings.MQTT = address
        with CaptureQueriesContext(connection) as queries:
            assert len(record([one])) == 1
        counted.append([query["sql"].split()[0] for query in queries])
    assert counted[0] == counted[1]
    assert not Publication.objects.exists()


def test_a_run_that_a_late_photo_breaks_is_taken_back(scene: Scene) -> None:
    for minute in (0, 1, 3):
        scene.photo(minute, [scene.short])
    drain()
    scene.photo(2)
    drain()
    last = messages("/alert/")[-1]
    assert valid(last, "alert")["state"] == "withdrawn"
    assert last.retain == Retain.NO_MORE


def administrator(scene: Scene, name: str, language: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", language=language)
    Membership.objects.create(user=user, site=scene.site, role=Role.ADMIN)
    return user


def test_administrators_get_one_mail_about_a_broker_that_is_away(
    scene: Scene, inbox: Any
) -> None:
    administrator(scene, "admin", "en")
    administrator(scene, "chief", "zh-hans")
    scene.user("engineer")
    Link.objects.create(name="mqtt", since=scene.start, error="refused <b>")
    for _ in range(2):
        services.emit("link.away", "link:mqtt", {"since": scene.start.isoformat()})
        drain()
    assert deliveries.deliver_due() == 2
    english, chinese = sorted(inbox.mails, key=lambda mail: mail["To"])
    assert english["Subject"] == "The MQTT broker is away"
    assert "refused <b>" in english.get_body(("plain",)).get_content()
    assert "refused &lt;b&gt;" in english.get_body(("html",)).get_content()
    assert "MQTT" in chinese["Subject"]
    assert "代理" in chinese["Subject"]


def test_a_broker_that_came_back_in_time_is_not_mailed(
    scene: Scene, inbox: Any
) -> None:
    administrator(scene, "admin", "en")
    Link.objects.create(name="mqtt", since=scene.start)
    services.emit("link.away", "link:mqtt", {"since": scene.start.isoformat()})
    drain()
    Link.objects.update(up=True, leased_until=scene.start.replace(year=9999))
    assert deliveries.deliver_due() == 0
    assert Delivery.objects.get().state == "failed"
