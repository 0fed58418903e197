"""An excursion is told once, however often an analysis finds it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.alerts.scene import Scene, alerts_now, dispatch, hand_over_again
from traceability.accounts.models import Membership, Responsibility
from traceability.alerts import excursions, services
from traceability.alerts.models import Alert, AlertKind, AlertRule, AlertState
from traceability.attribution.models import Problem
from traceability.outbox.models import Delivery

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def series(rates: list[int], step: timedelta = HOUR) -> dict[str, object]:
    """An overview whose last stretch is now: `rates` are defects of a hundred."""
    newest = timezone.now()
    times = [newest - step * (len(rates) - 1 - n) for n in range(len(rates))]
    columns = {
        "at": [at.isoformat() for at in times],
        "n": [100] * len(rates),
        "defective": rates,
    }
    return {"daily": columns}


def test_an_excursion_raises_one_alert_with_one_mail_each(scene: Scene) -> None:
    scene.user("one")
    scene.user("two")
    scene.user("stranger", answers=False)
    problem = scene.problem()
    dispatch()
    (alert,) = alerts_now()
    assert (alert.line, alert.defect_class) == (scene.line, scene.short)
    assert alert.problem == problem
    assert alert.event_at == problem.onset
    assert alert.last_event_at == problem.last_defect_at
    assert alert.mailed
    told = Delivery.objects.values_list("recipient", flat=True)
    assert sorted(told) == ["one@example.com", "two@example.com"]


def test_what_is_found_again_repeats_the_alert(scene: Scene) -> None:
    scene.user()
    scene.problem()
    dispatch()
    newest = [scene.problem() for _again in range(5)][-1]
    dispatch()
    (alert,) = alerts_now()
    assert alert.occurrences == 6
    assert alert.problem == newest
    assert alert.last_event_at == newest.last_defect_at
    assert Delivery.objects.count() == 1


def test_the_newest_analysis_counts_whichever_comes_last(scene: Scene) -> None:
    older, newer = scene.problem(), scene.problem()
    for problem in (newer, older):
        excursions.judge(problem.run)
    (alert,) = alerts_now()
    assert alert.problem == newer
    assert alert.occurrences == 2


def test_the_same_events_again_change_nothing(scene: Scene) -> None:
    scene.user()
    scene.problem()
    dispatch()
    before = list(Alert.objects.values())
    assert hand_over_again() > 0
    assert list(Alert.objects.values()) == before
    assert Delivery.objects.count() == 1


def test_two_groups_of_a_class_are_one_alert_about_the_larger(scene: Scene) -> None:
    run = scene.run()
    for cluster, units in (("1", 20), ("2", 90), ("3", 50)):
        Problem.objects.create(
            run=run,
            defect_class=scene.short,
            cluster=cluster,
            question=Problem.Question.EXCURSION,
            defective_units=units,
            rate=0.01,
            onset=scene.start,
        )
    scene.tell_run(run)
    dispatch()
    (alert,) = alerts_now()
    assert alert.problem is not None
    assert alert.problem.cluster == "2"
    assert alert.occurrences == 1


def test_what_is_always_risky_wakes_nobody(scene: Scene) -> None:
    scene.problem(question=Problem.Question.CHRONIC)
    dispatch()
    assert not alerts_now()


def test_an_excursion_of_last_week_is_recorded_only(scene: Scene) -> None:
    scene.user()
    then = timezone.now() - timedelta(days=7)
    scene.problem(onset=then - HOUR, last_defect_at=then)
    dispatch()
    (alert,) = alerts_now()
    assert not alert.mailed
    assert not Delivery.objects.exists()


def test_what_began_last_week_and_goes_on_is_mailed(scene: Scene) -> None:
    scene.user()
    scene.problem(onset=timezone.now() - timedelta(days=7))
    dispatch()
    assert Delivery.objects.count() == 1


def test_an_excursion_that_is_over_is_recorded_only(scene: Scene) -> None:
    """Some defects go on, as they always do: the last day looks like before."""
    scene.user()
    over = series([1] * 24 + [20] * 12 + [1] * 26)
    scene.problem(onset=timezone.now() - 38 * HOUR, overview=over)
    dispatch()
    (alert,) = alerts_now()
    assert not alert.mailed


@pytest.mark.parametrize("recent", [[20], [20, 0, 19, 22], [1]])
def test_an_excursion_that_may_go_on_is_mailed(scene: Scene, recent: list[int]) -> None:
    scene.user()
    going_on = series([1] * 24 + [20] * 30 + recent)
    onset = timezone.now() - (30 + len(recent)) * HOUR
    scene.problem(onset=onset, overview=going_on)
    dispatch()
    assert Delivery.objects.count() == 1


def test_a_closed_excursion_stays_closed_until_the_rate_rises_again(
    scene: Scene,
) -> None:
    user = scene.user()
    scene.problem()
    dispatch()
    services.close(alerts_now()[0], user)
    scene.problem()
    dispatch()
    assert [alert.state for alert in alerts_now()] == [AlertState.CLOSED]
    scene.problem(onset=timezone.now() + timedelta(seconds=1))
    dispatch()
    assert [alert.state for alert in alerts_now()] == ["closed", "open"]
    assert Delivery.objects.count() == 2


def test_nobody_responsible_is_told_in_the_log_and_seen_on_the_page(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        scene.problem()
        dispatch()
    (alert,) = alerts_now()
    assert not alert.mailed
    assert "make a user with an e-mail address responsible" in caplog.text


def test_whoever_becomes_responsible_is_told_when_it_is_seen_again(
    scene: Scene,
) -> None:
    scene.user("silent", email="")
    scene.problem()
    dispatch()
    scene.user("new")
    scene.problem()
    dispatch()
    assert Delivery.objects.get().recipient == "new@example.com"


def test_who_may_not_see_the_site_is_not_told(scene: Scene) -> None:
    former = scene.user("former")
    Membership.objects.filter(user=former).delete()
    scene.user("gone", is_active=False)
    scene.problem()
    dispatch()
    assert not Delivery.objects.exists()


def test_responsible_for_line_and_by_hand_is_still_one_mail(scene: Scene) -> None:
    user = scene.user()
    Responsibility.objects.create(user=user, line=scene.line)
    scene.problem()
    dispatch()
    assert Delivery.objects.count() == 1


def test_a_silenced_class_stays_silent(scene: Scene) -> None:
    scene.rule(AlertKind.EXCURSION, defect_class=scene.short, enabled=False)
    scene.problem()
    scene.problem(defect_class=scene.open)
    dispatch()
    assert [alert.defect_class for alert in alerts_now()] == [scene.open]


def test_a_site_gets_its_default_rules_once(scene: Scene) -> None:
    services.create_default_rules(scene.site)
    kinds = AlertRule.objects.values_list("kind", flat=True)
    assert sorted(kinds) == sorted(AlertKind.values)


def test_only_the_first_to_acknowledge_or_close_does(scene: Scene) -> None:
    one, two = scene.user("one"), scene.user("two")
    scene.problem()
    dispatch()
    alert = alerts_now()[0]
    stale = Alert.objects.get(pk=alert.pk)
    assert services.acknowledge(alert, one)
    assert not services.acknowledge(stale, two)
    assert stale.acknowledged_by == one
    assert services.close(stale, two)
    assert not services.close(alert, one)
    assert not services.withdraw(alert)
    assert alert.closed_by == two


def test_a_storm_of_runs_is_one_mail(scene: Scene) -> None:
    scene.user()
    for _run in range(30):
        scene.problem(causes=[])
    dispatch()
    assert Alert.objects.count() == Delivery.objects.count() == 1


def test_events_about_what_is_gone_are_harmless(scene: Scene) -> None:
    problem = scene.problem()
    problem.run.delete()
    inspection = scene.photo(1, [scene.short])
    inspection.image.delete()
    dispatch()
    assert not alerts_now()
