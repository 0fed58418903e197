"""N defective units in a row, in the order of the photos, whatever comes late."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest

from tests.alerts.scene import Scene, alerts_now, dispatch, hand_over_again
from traceability.alerts import services
from traceability.alerts.models import Alert, AlertState
from traceability.inspection.models import InspectionState, Verdict
from traceability.outbox.models import Delivery

pytestmark = pytest.mark.django_db


def row(scene: Scene, text: str, start: int = 0) -> None:
    """Photos a minute apart: S a short, O an open, . a good unit."""
    classes = {"S": [scene.short], "O": [scene.open], ".": []}
    for minute, letter in enumerate(text, start=start):
        scene.photo(minute, classes[letter])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SS.S", 0),
        ("SSS", 1),
        ("SOS", 0),
        ("SSOO", 0),
        ("..SSSSSSSS..", 1),
        ("SSS.SSS", 2),
        ("SSSOOO", 2),
        ("S" * 12, 1),
    ],
)
def test_a_run_raises_one_alert(scene: Scene, text: str, told: int) -> None:
    scene.user()
    row(scene, text)
    dispatch()
    assert len(alerts_now()) == told
    assert Delivery.objects.count() == told


def test_the_alert_says_where_when_and_how_many(scene: Scene) -> None:
    row(scene, ".SSSS.")
    dispatch()
    (alert,) = alerts_now()
    assert alert.station == scene.station
    assert alert.defect_class == scene.short
    assert alert.event_at == scene.start + timedelta(minutes=1)
    assert alert.last_event_at == scene.start + timedelta(minutes=4)
    assert alert.details == {"consecutive": 4, "serials": ["U1", "U2", "U3", "U4"]}
    assert alert.inspection is not None
    assert alert.inspection.image.unit.serial == "U4"


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::5])
def test_the_order_of_arrival_does_not_matter(
    scene: Scene, order: tuple[int, ...]
) -> None:
    """Of . S S S . every order of arrival ends with the same one alert."""
    for minute in order:
        scene.photo(minute, [scene.short] if minute in (1, 2, 3) else [])
        dispatch()
    (alert,) = [a for a in alerts_now() if a.state == AlertState.OPEN]
    assert alert.details["consecutive"] == 3
    assert alert.event_at == scene.start + timedelta(minutes=1)
    assert alert.last_event_at == scene.start + timedelta(minutes=3)


@pytest.mark.parametrize("seed", range(8))
def test_shuffled_arrivals_end_as_if_they_had_come_in_order(
    scene: Scene, seed: int
) -> None:
    dice = random.Random(seed)
    line = [dice.random() < 0.6 for _minute in range(20)]
    minutes = list(range(20))
    dice.shuffle(minutes)
    for minute in minutes:
        scene.photo(minute, [scene.short] if line[minute] else [])
        dispatch()
    expected = runs_of(line, 3)
    live = [a for a in alerts_now() if a.state == AlertState.OPEN]
    covered = {
        begin
        for begin, end in expected
        for alert in live
        if alert.event_at <= scene.start + timedelta(minutes=begin)
        and scene.start + timedelta(minutes=end) <= alert.last_event_at
    }
    assert covered == {begin for begin, _end in expected}, "every run is told"
    assert len(live) == len(expected), "and nothing else is"


def runs_of(line: list[bool], least: int) -> list[tuple[int, int]]:
    """First and last place of each run, the plain way."""
    found, begin = [], 0
    for value, group in itertools.groupby(line):
        end = begin + len(list(group)) - 1
        if value and end - begin + 1 >= least:
            found.append((begin, end))
        begin = end + 1
    return found


def test_a_late_good_photo_takes_the_alert_back(scene: Scene) -> None:
    scene.user()
    row(scene, "SSS")
    dispatch()
    scene.photo(1.5)
    dispatch()
    (alert,) = alerts_now()
    assert alert.state == AlertState.WITHDRAWN
    row(scene, "SS", start=3)
    dispatch()
    assert [a.state for a in alerts_now()] == [AlertState.WITHDRAWN, AlertState.OPEN]


def test_a_late_good_photo_leaves_an_alert_that_still_has_enough(scene: Scene) -> None:
    row(scene, "SSSSS")
    dispatch()
    scene.photo(1.5)
    dispatch()
    (alert,) = alerts_now()
    assert alert.state == AlertState.OPEN
    assert alert.event_at == scene.start + timedelta(minutes=2)


def test_what_somebody_takes_care_of_is_not_taken_back(scene: Scene) -> None:
    row(scene, "SSS")
    dispatch()
    (alert,) = alerts_now()
    services.acknowledge(alert, scene.user())
    scene.photo(1.5)
    dispatch()
    alert.refresh_from_db()
    assert alert.state == AlertState.ACKNOWLEDGED


def test_a_waiting_photo_neither_counts_nor_breaks(scene: Scene) -> None:
    row(scene, "SS")
    waiting = scene.photo(1.5, state=InspectionState.PENDING)
    row(scene, "SS", start=2)
    dispatch()
    assert not alerts_now(), "we do not know yet"
    scene.finish(waiting, [scene.short])
    dispatch()
    (alert,) = alerts_now()
    assert alert.details["consecutive"] == 5


def test_a_waiting_photo_does_not_take_an_alert_back(scene: Scene) -> None:
    row(scene, "SSS")
    dispatch()
    scene.photo(1.5, state=InspectionState.PENDING)
    row(scene, "S", start=3)
    dispatch()
    assert [alert.state for alert in alerts_now()] == [AlertState.OPEN]


def test_a_unit_is_good_only_when_all_its_photos_are(scene: Scene) -> None:
    row(scene, "SSS")
    dispatch()
    waiting = scene.photo(1.4, serial="late", state=InspectionState.PENDING)
    scene.photo(1.5, serial="late")
    dispatch()
    assert [alert.state for alert in alerts_now()] == [AlertState.OPEN]
    scene.finish(waiting)
    dispatch()
    assert [alert.state for alert in alerts_now()] == [AlertState.WITHDRAWN]


def test_a_photo_that_cannot_be_inspected_is_left_out(scene: Scene) -> None:
    row(scene, "S")
    waiting = scene.photo(0.5, state=InspectionState.PENDING)
    row(scene, "SS", start=1)
    dispatch()
    assert not alerts_now()
    scene.finish(waiting, state=InspectionState.FAILED)
    dispatch()
    assert len(alerts_now()) == 1


def test_units_count_not_photos(scene: Scene) -> None:
    for minute in range(5):
        scene.photo(minute, [scene.short], serial="A")
    dispatch()
    assert not alerts_now()
    scene.photo(5, [scene.short], serial="B")
    scene.photo(6, [], serial="C")
    scene.photo(7, [scene.short], serial="C")
    dispatch()
    (alert,) = alerts_now()
    assert alert.details["consecutive"] == 3


def test_stations_do_not_mix(scene: Scene) -> None:
    other = scene.new_station("AOI-2")
    for minute in range(5):
        station = other if minute % 2 else scene.station
        scene.photo(minute, [scene.short], station=station)
    dispatch()
    assert [alert.station for alert in alerts_now()] == [scene.station]


def test_a_false_alarm_counts_as_good(scene: Scene) -> None:
    first = scene.photo(0, [scene.short])
    Verdict.objects.create(
        inspection=first,
        user=scene.user(),
        value=Verdict.Value.FALSE_ALARM,
        created_at=first.created_at,
    )
    row(scene, "SS", start=1)
    dispatch()
    assert not alerts_now()


def test_what_is_old_is_recorded_and_wakes_nobody(scene: Scene) -> None:
    scene.user()
    scene.start -= timedelta(hours=25)
    row(scene, "SSS")
    dispatch()
    (alert,) = alerts_now()
    assert alert.mailed is False
    assert not Delivery.objects.exists()
    scene.start += timedelta(hours=25)
    row(scene, "SSS")
    dispatch()
    assert Delivery.objects.count() == 1, "the old run goes on today"


def test_a_late_photo_of_yesterday_wakes_nobody(scene: Scene) -> None:
    scene.user()
    scene.start -= timedelta(hours=30)
    row(scene, "S.")
    scene.photo(2, [scene.short])
    scene.photo(4, [scene.short])
    dispatch()
    scene.photo(3, [scene.short])
    dispatch()
    (alert,) = alerts_now()
    assert alert.mailed is False


def test_a_closed_run_that_goes_on_raises_nothing_new(scene: Scene) -> None:
    user = scene.user()
    row(scene, "SSS")
    dispatch()
    services.close(alerts_now()[0], user)
    row(scene, "SSSSSS", start=3)
    dispatch()
    (alert,) = alerts_now()
    assert alert.details["consecutive"] == 9
    assert Delivery.objects.count() == 1


def test_the_same_events_again_change_nothing(scene: Scene) -> None:
    scene.user()
    row(scene, "SSSS")
    dispatch()
    before = list(Alert.objects.values())
    assert hand_over_again() > 0
    assert list(Alert.objects.values()) == before
    assert Delivery.objects.count() == 1


def test_the_most_specific_rule_decides(scene: Scene) -> None:
    scene.rule(station=scene.station, consecutive=5)
    scene.rule(station=scene.station, defect_class=scene.open, enabled=False)
    row(scene, "SSSS" + "OOOOOOOO")
    dispatch()
    assert not alerts_now()
    row(scene, "SSSSS", start=20)
    dispatch()
    (alert,) = alerts_now()
    assert alert.rule.consecutive == 5
