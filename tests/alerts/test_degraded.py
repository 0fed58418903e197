"""A way of inspecting that fails is one alert a line, until it works again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tests.alerts.scene import Scene, alerts_now, dispatch
from traceability.alerts import mail, services, wording
from traceability.alerts.models import Alert, AlertKind, AlertState
from traceability.catalog.models import Line, Station
from traceability.inspection import devices
from traceability.inspection.devices import State
from traceability.inspection.workers import Device
from traceability.outbox.models import Delivery, Event

pytestmark = pytest.mark.django_db


def failure(rung: str = "tensorrt", **about: Any) -> dict[str, Any]:
    return {
        "rung": rung,
        "reason": "OOM",
        "stage": "traffic",
        "code": "out_of_device_memory",
        "message": "no memory left",
        "at": timezone.now().isoformat(),
        **about,
    }


def stands(*failures: dict[str, Any], rung: str = "openvino") -> None:
    """A worker tells how it stands, and what follows."""
    state = State("inspect-1@host", rung, "m", "1", rung, "bf16", failures)
    devices.tell(state)
    dispatch()


def test_a_failure_is_one_alert_however_often_it_is_told(scene: Scene) -> None:
    scene.user()
    broken = failure()
    for _ in range(3):
        stands(broken)
    (alert,) = alerts_now()
    assert (alert.rule.kind, alert.line, alert.occurrences) == (
        AlertKind.DEGRADED,
        scene.line,
        1,
    )
    assert Delivery.objects.count() == 1
    assert Event.objects.filter(kind=devices.DEGRADED).count() == 1


def test_failing_again_repeats_it_another_way_is_another(scene: Scene) -> None:
    stands(failure())
    stands(failure(), failure("cuda"))
    assert [(one.details["rung"], one.occurrences) for one in alerts_now()] == [
        ("tensorrt", 2),
        ("cuda", 1),
    ]


def test_what_is_mended_closes_its_alert_and_no_other(scene: Scene) -> None:
    best, middle = failure(), failure("cuda")
    stands(best, middle)
    stands(best, rung="cuda")
    states = {one.details["rung"]: one.state for one in Alert.objects.all()}
    assert states == {"tensorrt": AlertState.OPEN, "cuda": AlertState.CLOSED}
    stands(rung="tensorrt")
    assert not Alert.objects.filter(state=AlertState.OPEN).exists()


def test_one_that_somebody_closed_stays_closed_until_it_fails_anew(
    scene: Scene,
) -> None:
    user = scene.user()
    before = failure(at=(timezone.now() - timedelta(minutes=5)).isoformat())
    stands(before)
    services.close(alerts_now()[0], user)
    stands({**before, "message": "told by the next process"})
    assert Alert.objects.count() == 1
    stands(failure(at=(timezone.now() + timedelta(seconds=1)).isoformat()))
    assert Alert.objects.count() == 2


def test_each_line_with_a_camera_is_told_by_its_own_rule(scene: Scene) -> None:
    other = Line.objects.create(site=scene.site, code="L2")
    Line.objects.create(site=scene.site, code="OFFICE")
    Station.objects.create(site=scene.site, line=other, code="AOI-9")
    stands(failure())
    assert {alert.line.code for alert in alerts_now()} == {"L1", "L2"}
    scene.rule(AlertKind.DEGRADED, line=other, enabled=False)
    stands(failure(), failure("cuda"))
    assert {one.line.code for one in alerts_now() if one.details["rung"] == "cuda"} == {
        "L1"
    }


def test_the_mail_says_what_failed_why_and_what_goes_on(scene: Scene) -> None:
    user = scene.user()
    stands(failure())
    (alert,) = alerts_now()
    made = mail.render({"alert": str(alert.pk), "user": user.pk})
    title = "TensorRT has failed, photos are inspected with OpenVINO on the CPU"
    assert made.subject == title
    assert "OOM: the card has no room for it" in made.text
    assert "out_of_device_memory: no memory left" in made.text
    assert "Likely causes" not in made.text


def test_a_ladder_that_refuses_says_that_photos_wait(scene: Scene) -> None:
    stands(failure("openvino", reason="RUNTIME"), rung="")
    (alert,) = alerts_now()
    assert wording.title(alert) == "No photo can be inspected: they wait"
    with translation.override("zh-hans"):
        assert wording.title(alert) == "目前无法检测任何照片：照片正在等待"


@pytest.fixture
def reader(scene: Scene, client: Client) -> Client:
    client.force_login(scene.user())
    return client


def pages(reader: Client) -> str:
    return reader.get(reverse("alerts")).content.decode()


def test_every_page_has_a_banner_while_it_lasts(reader: Client) -> None:
    assert 'class="notice trouble"' not in pages(reader)
    stands(failure())
    assert "Photos are inspected with OpenVINO on the CPU since" in pages(reader)
    assert "because TensorRT has failed (OOM)" in pages(reader)
    stands(failure("openvino"), rung="")
    assert "No photo can be inspected since" in pages(reader)
    stands(rung="tensorrt")
    assert 'class="notice trouble"' not in pages(reader)


def test_the_banner_is_chinese_for_who_reads_chinese(
    scene: Scene, client: Client
) -> None:
    client.force_login(scene.user(language="zh-hans"))
    stands(failure())
    assert "照片由CPU 上的 OpenVINO检测" in pages(client)


def test_a_worker_that_is_gone_is_not_believed_for_ever(reader: Client) -> None:
    stands(failure())
    Device.objects.update(seen_at=timezone.now() - 2 * devices.BELIEVED)
    assert 'class="notice trouble"' not in pages(reader)
    devices.seen("inspect-1@host")
    assert 'class="notice trouble"' in pages(reader)


def test_the_alerts_page_shows_what_was_told(reader: Client) -> None:
    stands(failure(message="<b>no</b> memory"))
    (alert,) = alerts_now()
    page = reader.get(reverse("alert", args=[alert.pk])).content.decode()
    assert "inspect-1@host" in page
    assert "&lt;b&gt;no&lt;/b&gt; memory" in page
