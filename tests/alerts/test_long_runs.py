"""Runs that are longer than what is read around a photo, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.alerts.scene import Scene, alerts_now, dispatch
from traceability.alerts import services
from traceability.alerts.models import Alert
from traceability.alerts.services import Place, Sighting
from traceability.catalog.models import DefectClass
from traceability.inspection.models import Inspection

pytestmark = pytest.mark.django_db


def run(scene: Scene, minutes: range) -> list[Inspection]:
    return [scene.photo(minute, [scene.short]) for minute in minutes]


def test_a_run_of_one_class_costs_no_more_when_it_is_long(
    scene: Scene, django_assert_max_num_queries: Any
) -> None:
    run(scene, range(45))
    dispatch()
    run(scene, range(45, 46))
    with django_assert_max_num_queries(28):  # one less on SQLite
        dispatch()
    (alert,) = alerts_now()
    assert alert.details["consecutive"] == 46


def test_a_run_of_many_classes_costs_one_statement_for_each(
    scene: Scene, django_assert_max_num_queries: Any
) -> None:
    many = [DefectClass.objects.create(code=f"class-{n}") for n in range(8)]
    for minute in range(5):
        scene.photo(minute, many)
    dispatch()
    scene.photo(5, many)
    with django_assert_max_num_queries(27 + len(many)):
        dispatch()
    assert [alert.details["consecutive"] for alert in alerts_now()] == [6] * len(many)


def test_a_photo_late_for_the_beginning_of_a_run_shows_its_end(scene: Scene) -> None:
    inspections = run(scene, range(1, 60))
    dispatch()
    run(scene, range(1))
    dispatch()
    (alert,) = alerts_now()
    assert alert.event_at == scene.start
    assert alert.inspection == inspections[-1]
    assert alert.details == {
        "consecutive": 60,
        "serials": [f"U{minute}" for minute in range(48, 60)],
    }


def test_serials_of_units_with_many_photos_are_all_shown(scene: Scene) -> None:
    scene.rule(station=scene.station, consecutive=2)
    for minute in range(60):
        scene.photo(minute, [scene.short], serial=f"U{minute // 10}")
    dispatch()
    (alert,) = alerts_now()
    assert alert.details == {
        "consecutive": 6,
        "serials": [f"U{n}" for n in range(6)],
    }


def test_the_photo_shown_has_the_defect(scene: Scene) -> None:
    showing = [scene.photo(n, [scene.short], serial=f"U{n}") for n in range(3)][-1]
    scene.photo(3, [scene.open], serial="U2")
    dispatch()
    (alert,) = alerts_now()
    assert alert.inspection == showing


def test_an_alert_that_changed_meanwhile_is_read_again(scene: Scene) -> None:
    user = scene.user()
    run(scene, range(3))
    dispatch()
    (stale,) = alerts_now()
    Alert.objects.update(occurrences=7)
    services.acknowledge(Alert.objects.get(), user)
    seen = Sighting(
        rule=stale.rule,
        key=stale.key,
        place=Place(scene.line, scene.station),
        defect_class=scene.short,
        event_at=stale.event_at,
        last_event_at=stale.last_event_at,
        details={"consecutive": 4, "serials": ["U3"]},
    )
    assert services.repeat(stale, seen).occurrences == 8
    alert = Alert.objects.get()
    assert (alert.occurrences, alert.state) == (8, "acknowledged")
    assert alert.inspection == stale.inspection
    assert services.repeat(alert, seen).occurrences == 8, "nothing is new any more"


def test_an_analysis_that_says_nothing_of_a_class_is_no_news(scene: Scene) -> None:
    problem = scene.problem()
    run(scene, range(3))
    dispatch()
    of_run = Alert.objects.filter(station=scene.station)
    assert of_run.get().problem == problem
    scene.run()
    run(scene, range(3, 4))
    dispatch()
    assert (of_run.get().problem, of_run.get().occurrences) == (problem, 2)
