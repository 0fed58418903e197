"""A parameter that left its limits is told once for each time that it is out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from tests.alerts.scene import (
    Scene,
    alerts_now,
    dispatch,
    dispatch_and_deliver,
    hand_over_again,
)
from traceability.alerts import mail, services, wording
from traceability.alerts.models import Alert, AlertKind
from traceability.attribution.services import store_run
from traceability.outbox.models import Delivery

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def departure(**about: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "operation": "ETCH",
        "parameter": "temp",
        "equipment": "E1",
        "unit_of_measure": "°C",
        "lower_limit": None,
        "upper_limit": 60.0,
        "side": "above",
        "since": (now - 3 * HOUR).isoformat(),
        "last": now.isoformat(),
        "value": 61.5,
        "outside": 12,
        "readings": 30,
        **about,
    }


def analysed(scene: Scene, *departures: dict[str, Any]) -> None:
    """An analysis that found nothing but these parameters, and what follows."""
    result = {
        **{"units": 100, "hypotheses": 10, "seed": 0, "problems": []},
        **{"input_sha256": "", "result_sha256": "", "departures": list(departures)},
    }
    about = {"code_version": "1", "started_at": timezone.now()}
    store_run(scene.line, result, about)
    dispatch()


def test_a_parameter_raises_one_alert_and_one_mail(scene: Scene) -> None:
    scene.user()
    told = departure()
    analysed(scene, told)
    (alert,) = alerts_now()
    assert alert.rule.kind == AlertKind.PARAMETER_LIMIT
    assert alert.defect_class is None
    assert alert.event_at.isoformat() == told["since"]
    assert alert.details["value"] == 61.5
    assert wording.title(alert) == "temp at E1 is above its limit (Line 1)"
    assert Delivery.objects.count() == 1


def test_it_is_told_once_while_it_is_out(scene: Scene) -> None:
    scene.user()
    for outside in (12, 15, 19):
        analysed(scene, departure(outside=outside))
    (alert,) = alerts_now()
    assert alert.occurrences == 3
    assert alert.details["outside"] == 19
    assert Delivery.objects.count() == 1
    before = list(Alert.objects.values())
    assert hand_over_again() > 0
    assert list(Alert.objects.values()) == before


def test_each_parameter_and_machine_has_its_own_alert(scene: Scene) -> None:
    analysed(
        scene,
        departure(),
        departure(equipment="E2"),
        departure(parameter="flow", side="below"),
    )
    titles = sorted(wording.title(alert) for alert in alerts_now())
    assert titles == [
        "flow at E1 is below its limit (Line 1)",
        "temp at E1 is above its limit (Line 1)",
        "temp at E2 is above its limit (Line 1)",
    ]


def test_a_closed_one_stays_closed_until_it_leaves_again(scene: Scene) -> None:
    user = scene.user()
    analysed(scene, departure())
    services.close(alerts_now()[0], user)
    analysed(scene, departure())
    assert [alert.state for alert in alerts_now()] == ["closed"]
    again = timezone.now() + timedelta(seconds=1)
    analysed(scene, departure(since=again.isoformat()))
    assert [alert.state for alert in alerts_now()] == ["closed", "open"]


def test_what_ended_long_ago_wakes_nobody(scene: Scene) -> None:
    scene.user()
    then = timezone.now() - timedelta(days=7)
    analysed(scene, departure(since=then.isoformat(), last=then.isoformat()))
    (alert,) = alerts_now()
    assert not alert.mailed


def test_a_silenced_site_or_line_stays_silent(scene: Scene) -> None:
    scene.rule(AlertKind.PARAMETER_LIMIT, line=scene.line, enabled=False)
    analysed(scene, departure())
    assert not alerts_now()


def test_a_rule_of_one_class_does_not_decide_about_parameters(scene: Scene) -> None:
    scene.rule(AlertKind.PARAMETER_LIMIT, defect_class=scene.short, enabled=False)
    analysed(scene, departure())
    assert len(alerts_now()) == 1


def test_a_line_that_is_gone_is_harmless(scene: Scene) -> None:
    from traceability.alerts import parameters

    assert parameters.judge(departure(line=0, at="2026-01-01")) is None


def test_the_mail_gives_limits_and_readings_and_no_causes(scene: Scene) -> None:
    user = scene.user()
    analysed(scene, departure())
    dispatch_and_deliver()
    message = {"alert": alerts_now()[0].pk, "user": user.pk}
    letter = mail.render(message)
    assert letter.subject == "temp at E1 is above its limit (Line 1)"
    for text in (letter.text, letter.html):
        assert "60 °C" in text
        assert "61.5 °C" in text
        assert "12 of 30 since then" in text
        assert "Likely causes" not in text
    user.language = "zh-hans"
    user.save()
    assert "超出上限" in mail.render(message).subject


def test_the_page_of_the_alert_says_why_it_fired(scene: Scene, client: Client) -> None:
    client.force_login(scene.user())
    analysed(scene, departure())
    alert = alerts_now()[0]
    page = client.get(reverse("alert", args=[alert.pk])).content.decode()
    assert "temp at E1 is above its limit" in page
    assert "61.5 °C" in page
    assert "No analysis has looked at this yet" not in page
    inbox = client.get(reverse("alerts")).content.decode()
    assert "temp at E1 is above its limit" in inbox


def test_words_are_translated(scene: Scene) -> None:
    analysed(scene, departure(side="below", lower_limit=40.0))
    with translation.override("zh-hans"):
        assert "低于下限" in wording.title(alerts_now()[0])
        assert "规格下限" in dict(wording.parameter_facts(alerts_now()[0]))
