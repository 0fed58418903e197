"""Runs that are longer than what is read around a photo, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from tests.alerts.scene import Scene, alerts_now, dispatch, hand_over_again
from traceability.accounts.models import Responsibility
from traceability.alerts import consecutive, services, wording
from traceability.alerts.models import Alert
from traceability.alerts.services import Sighting
from traceability.alerts.telling import Place
from traceability.catalog.models import DefectClass, Line, Station
from traceability.inspection.models import Inspection, Verdict
from traceability.outbox.models import Delivery

pytestmark = pytest.mark.django_db


def run(scene: Scene, minutes: range) -> list[Inspection]:
    return [scene.photo(minute, [scene.short]) for minute in minutes]


def sighting(scene: Scene, alert: Alert) -> Sighting:
    return Sighting(
        rule=alert.rule,
        key=alert.key,
        place=Place(scene.line, scene.station),
        defect_class=scene.short,
        event_at=alert.event_at,
        last_event_at=alert.last_event_at,
        details={"consecutive": 4, "serials": ["U3"]},
    )


def test_a_run_of_one_class_asks_no_more_when_it_is_long(
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
    for minute in range(12):
        scene.photo(minute, many)
    dispatch()
    scene.photo(12, many)
    with django_assert_max_num_queries(27 + len(many)):
        dispatch()
    assert [alert.details["consecutive"] for alert in alerts_now()] == [13] * len(many)


@pytest.mark.parametrize("together", [1, 4, 10])
def test_the_neighbours_of_a_photo_in_a_run_are_read_once(
    together: int, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scene, range(30))
    dispatch()
    asked = list[Inspection]()
    monkeypatch.setattr(consecutive, "matters", asked.append)
    run(scene, range(30, 30 + together))
    dispatch()
    assert not asked
    (alert,) = alerts_now()
    assert alert.details["consecutive"] == 30 + together


def test_a_photo_that_makes_no_run_longer_is_looked_at_before_its_turn(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neighbours are not read while others wait to write."""
    run(scene, range(12))
    dispatch()
    judged = list[Inspection]()
    monkeypatch.setattr(consecutive, "judge", judged.append)
    scene.photo(12, [scene.open])
    scene.photo(13, [scene.open])
    dispatch()
    assert not judged


@pytest.mark.parametrize(
    ("photos_of_units", "counted", "said"),
    [
        ([1] * 19, {"consecutive": 19}, "19"),
        ([1] * 20, {"consecutive": 20, "more": True}, "20+"),
        # The newest twenty photos are of the last unit with eight and of those after.
        ([8, 8, *[1] * 12], {"consecutive": 13, "more": True}, "13+"),
    ],
)
def test_units_of_a_run_are_counted_on_its_newest_photos(
    photos_of_units: list[int],
    counted: dict[str, Any],
    said: str,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a photo costs does not grow with the run that it is part of."""
    monkeypatch.setattr(consecutive, "PHOTOS_COUNTED", 20)
    units = [n for n, photos in enumerate(photos_of_units) for _ in range(photos)]
    for minute, unit in enumerate(units):
        scene.photo(minute, [scene.short], serial=f"U{unit}")
    dispatch()
    (alert,) = alerts_now()
    serials = [f"U{unit}" for unit in range(len(photos_of_units))][-12:]
    assert alert.details == {**counted, "serials": serials}
    assert f"on {said} units in a row" in wording.title(alert)
    with translation.override("zh-hans"):
        assert f"连续 {said} 件" in wording.title(alert)


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


def test_a_false_alarm_is_not_the_photo_shown_however_long_the_run(
    scene: Scene,
) -> None:
    run(scene, range(1, 60))
    shown = scene.photo(60, [scene.short], serial="U60")
    false = scene.photo(61, [scene.short], serial="U60")
    Verdict.objects.create(
        inspection=false,
        user=scene.user(),
        value=Verdict.Value.FALSE_ALARM,
        created_at=false.created_at,
    )
    dispatch()
    assert alerts_now()[0].inspection == shown
    run(scene, range(1))  # the end of the run is not near this one
    dispatch()
    (alert,) = alerts_now()
    assert (alert.inspection, alert.event_at) == (shown, scene.start)


def test_an_alert_stays_with_those_of_the_line_it_was_raised_at(scene: Scene) -> None:
    before = scene.user("before")
    after = scene.user("after", answers=False)
    scene.start -= timedelta(hours=30)
    run(scene, range(3))
    dispatch()
    assert not Delivery.objects.exists(), "it is too old"
    moved_to = Line.objects.create(site=scene.site, code="L2")
    Responsibility.objects.create(user=after, line=moved_to)
    Station.objects.filter(pk=scene.station.pk).update(line=moved_to)
    scene.start += timedelta(hours=30)
    run(scene, range(3, 4))
    dispatch()
    (alert,) = alerts_now()
    assert alert.line == scene.line
    assert Delivery.objects.get().recipient == before.email


def test_what_another_line_s_analysis_finds_is_not_the_alert_s(scene: Scene) -> None:
    found = scene.problem()
    run(scene, range(3))
    dispatch()
    scene.line = Line.objects.create(site=scene.site, code="L2")
    Station.objects.filter(pk=scene.station.pk).update(line=scene.line)
    scene.problem()
    run(scene, range(3, 4))
    dispatch()
    alert = Alert.objects.get(station=scene.station)
    assert alert.details["consecutive"] == 4
    assert (alert.line, alert.problem) == (found.run.line, found)


def test_an_alert_that_never_is_what_was_read_is_left_to_another_attempt(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scene, range(3))
    dispatch()
    monkeypatch.setattr(Alert, "refresh_from_db", lambda alert: None)
    Alert.objects.update(occurrences=7)
    (alert,) = alerts_now()
    alert.occurrences = 6
    with pytest.raises(services.Contended, match=str(alert.pk)):
        services.repeat(alert, sighting(scene, alert))


def test_an_alert_that_changed_meanwhile_is_read_again(scene: Scene) -> None:
    user = scene.user()
    run(scene, range(3))
    dispatch()
    (stale,) = alerts_now()
    Alert.objects.update(occurrences=7)
    services.acknowledge(Alert.objects.get(), user)
    seen = sighting(scene, stale)
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
    hand_over_again()
    assert (of_run.get().problem, of_run.get().occurrences) == (problem, 2)
