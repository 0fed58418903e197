"""What the pages say and do."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from tests.dashboards import factories as make
from traceability.alerts.models import AlertState
from traceability.attribution.models import Cause, Problem
from traceability.inspection.models import Verdict


def text(answer):
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_overview_counts_units_of_the_first_look_only(plant, engineer):
    again = make.ImageFactory(station=plant.station, unit=plant.image.unit)
    make.InspectionFactory(image=again, defective=False)
    good = make.InspectionFactory(image__station=plant.station)
    assert good.image.unit != plant.image.unit
    answer = engineer.get("/")
    assert answer.context["now"].units == 2
    assert answer.context["now"].first_pass_yield == 0.5
    assert answer.context["now"].defects_per_million == 500_000


def test_a_false_alarm_counts_as_good(plant, engineer):
    url = reverse("verdict", args=[plant.inspection.pk])
    engineer.post(url, {"value": "false_alarm"})
    assert engineer.get("/").context["now"].first_pass_yield == 1.0


def test_a_missed_defect_counts_as_defective(plant, engineer):
    good = make.InspectionFactory(image__station=plant.station)
    engineer.post(reverse("verdict", args=[good.pk]), {"value": "missed"})
    assert engineer.get("/").context["now"].first_pass_yield == 0.0
    found = engineer.get("/inspections/?outcome=defective").context["page"].rows
    assert {row.pk for row in found} == {plant.inspection.pk, good.pk}


def test_a_bar_of_the_pareto_leads_to_its_problem(plant, engineer):
    (bar,) = engineer.get("/").context["bars"]
    assert bar.url == reverse("problem", args=[plant.problem.pk])


def test_a_bar_without_a_problem_leads_to_its_photos(plant, engineer):
    plant.problem.delete()
    (bar,) = engineer.get("/").context["bars"]
    assert bar.url.startswith("/inspections/?defect=short&since=")


def test_the_problem_page_says_it_in_plain_words(plant, engineer):
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    assert "Machine ETCH-2 at ETCH" in page
    assert "is associated with units that ran on machine ETCH-2" in page
    assert "very likely" in page
    assert "93 %" in page
    assert "3.1× – 6.6×" in page


def test_each_cause_has_its_chart_and_the_same_as_a_table(plant, engineer):
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    key = f"evidence-{plant.cause.pk}"
    figure = re.search(f'<script id="{key}"[^>]*>(.*?)</script>', page)
    assert json.loads(figure.group(1))["data"]
    assert "<td>ETCH-2</td>" in page


def lot_beside(plant, **fields):
    params = {"lot": "R-17", "material": "resin"}
    statement = {"code": "lot", "params": params}
    given = {"rank": 2, "kind": "lot", "statement": statement, "confidence": 0.05}
    return make.CauseFactory(problem=plant.problem, **{**given, **fields})


def groups(page):
    """Headings of the causes inside each frame of what cannot be told apart."""
    sections = re.findall(r'<section class="card twins">(.*?)</section>', page)
    return [re.findall(r"<h3>(.*?)</h3>", section) for section in sections]


def test_causes_that_cannot_be_told_apart_are_one_group(plant, engineer):
    plant.problem.credible_sets = [
        {
            "id": 1,
            "coverage": 0.95,
            "members": [1, 2],
            "separate_by": {
                "code": "run_lot_elsewhere",
                "params": {"factor": "resin", "level": "R-17", "units": 180},
            },
        }
    ]
    plant.problem.save()
    lot_beside(plant)
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    assert groups(page) == [
        [
            "One of these 2, not each of them",
            "Machine ETCH-2 at ETCH",
            "Lot R-17 of resin",
        ]
    ]
    assert "make about 180 units with another lot than R-17" in page
    assert "98 %" in page, "the confidence in one of them"


def test_causes_of_different_effects_stand_alone(plant, engineer):
    lot_beside(plant, credible_set=2)
    lot_beside(plant, credible_set=None, rank=3)
    lot_beside(plant, credible_set=1, rank=1, chronic=True)
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    assert groups(page) == []


def test_many_that_cannot_be_told_apart_are_folded(plant, engineer):
    for rank in range(2, 8):
        lot_beside(plant, rank=rank, confidence=0.01)
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    assert "3 more" in page
    assert "99 %" in page


SILENT = "No recorded factor explains this"


def test_a_problem_that_nothing_explains_says_so(plant, engineer):
    plant.cause.delete()
    plant.problem.not_recorded = [{"operation": "EXP", "what": "readings"}]
    plant.problem.overview["hidden_confidence"] = 0.7
    plant.problem.save()
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    assert f"{SILENT} rise" in page
    assert 'Recording it is the next step:</p> <ul class="gaps"><li>EXP: no re' in page
    assert "not recorded is at work: likely (70 %)" in page


@pytest.mark.parametrize(
    ("question", "chronic", "confidence", "silent"),
    [
        ("excursion", False, 0.6, False),
        ("excursion", False, 0.3, True),
        ("excursion", True, 0.9, True),
        ("chronic", False, 0.9, False),
        ("chronic", True, 0.9, False),
        ("chronic", False, 0.1, True),
    ],
)
def test_what_is_always_risky_explains_no_rise_and_weak_candidates_nothing(
    plant, engineer, question, chronic, confidence, silent
):
    Cause.objects.update(chronic=chronic, confidence=confidence)
    Problem.objects.update(question=question)
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    assert (SILENT in page) == silent
    assert "Machine ETCH-2 at ETCH" in page


def test_a_list_names_no_one_of_many_that_are_each_unlikely(plant, engineer):
    for rank in range(2, 8):
        lot_beside(plant, rank=rank, confidence=0.1)
    Cause.objects.filter(rank=1).update(confidence=0.15)
    for url in ("/", "/problems/"):
        page = text(engineer.get(url))
        assert "No recorded factor explains this." in page
        assert "ETCH-2" not in page
    Cause.objects.filter(rank=1).update(confidence=0.3)
    for url in ("/", "/problems/"):
        page = text(engineer.get(url))
        assert "or one of 6 others that cannot be told apart" in page
        assert "ETCH-2" in page


@pytest.mark.parametrize("confidence", [0.1, 0.9])
def test_an_alert_names_only_what_is_more_than_weak(plant, engineer, confidence):
    Cause.objects.update(confidence=confidence)
    alert = make.AlertFactory(line=plant.line, problem=plant.problem)
    page = text(engineer.get(reverse("alert", args=[alert.pk])))
    assert ("Machine ETCH-2 at ETCH" in page) == (confidence > 0.5)
    assert (SILENT in page) == (confidence < 0.5)


def test_what_is_not_explained_is_said_in_words(plant, engineer):
    page = text(engineer.get(reverse("problem", args=[plant.problem.pk])))
    assert "12 %<small>of the rise: most of it is explained" in page


def test_an_old_permalink_points_to_the_latest_analysis(plant, engineer):
    old = make.AnalysisRunFactory(line=plant.line, finished_at=make.long_ago())
    before = make.ProblemFactory(run=old)
    page = text(engineer.get(reverse("problem", args=[before.pk])))
    assert reverse("problem", args=[plant.problem.pk]) in page


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("", 2),
        ("?defect=short", 1),
        ("?outcome=good", 1),
        ("?outcome=defective", 1),
        ("?review=none", 2),
        ("?serial=NOPE", 0),
        ("?since=2000-01-01", 2),
        ("?until=2000-01-01", 0),
        ("?line=999", 2),
        ("?since=nonsense", 2),
    ],
)
def test_filters_of_the_inspections(query, n, plant, engineer):
    make.InspectionFactory(image__station=plant.station)
    assert len(engineer.get(f"/inspections/{query}").context["page"].rows) == n


def test_pages_of_the_list_hold_every_row_once(plant, engineer, monkeypatch):
    from traceability.dashboards import inspections

    monkeypatch.setattr(inspections, "PAGE_SIZE", 3)
    make.InspectionFactory.create_batch(7, image__station=plant.station)
    seen, page = [], engineer.get("/inspections/").context["page"]
    while True:
        seen += [row.pk for row in page.rows]
        if page.older is None:
            break
        page = engineer.get(f"/inspections/?{page.older}").context["page"]
    assert len(seen) == len(set(seen)) == 8
    back = engineer.get(f"/inspections/?{page.newer}").context["page"]
    assert [row.pk for row in back.rows] == seen[3:6]


def test_neighbours_stay_within_the_filter(plant, engineer):
    make.InspectionFactory(image__station=plant.station)
    other = make.InspectionFactory(image__station=plant.station, defective=True)
    make.DefectFactory(inspection=other)
    url = reverse("inspection", args=[other.pk])
    context = engineer.get(f"{url}?defect=short").context
    expected = reverse("inspection", args=[plant.inspection.pk])
    assert context["older"] == f"{expected}?defect=short"
    assert context["newer"] is None


def test_a_verdict_answers_with_its_panel(plant, engineer):
    url = reverse("verdict", args=[plant.inspection.pk])
    answer = engineer.post(url, {"value": "confirmed"}, headers={"HX-Request": "true"})
    assert 'id="verdict"' in text(answer)
    assert "<html" not in answer.content.decode()
    assert Verdict.objects.get().user.username in answer.content.decode()


def test_a_verdict_nobody_knows_is_refused(plant, engineer):
    url = reverse("verdict", args=[plant.inspection.pk])
    assert engineer.post(url, {"value": "maybe"}).status_code == 404


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("acknowledge-alert", AlertState.ACKNOWLEDGED),
        ("close-alert", AlertState.CLOSED),
    ],
)
def test_alerts_are_taken_on_and_closed(action, state, plant, engineer):
    url = reverse(action, args=[plant.alert.pk])
    page = text(engineer.post(url, headers={"HX-Request": "true"}))
    plant.alert.refresh_from_db()
    assert plant.alert.state == state
    assert state.label.capitalize() in page


def test_empty_pages_say_what_will_appear(site, engineer):
    assert "No photo was inspected in this period" in text(engineer.get("/"))
    assert "No problem found" in text(engineer.get("/problems/"))
    assert "No photos yet" in text(engineer.get("/inspections/"))
    assert "No open alert" in text(engineer.get("/alerts/"))
    assert "No jobs" in text(engineer.get("/jobs/"))


def test_someone_without_a_site_is_told_so(db):
    from tests.dashboards.conftest import signed_in

    page = text(signed_in(make.UserFactory()).get("/"))
    assert "You do not belong to a site yet" in page


def test_names_from_outside_cannot_become_markup(plant, engineer):
    plant.image.unit.serial = "<script>alert(1)</script>"
    plant.image.unit.save()
    page = engineer.get(reverse("inspection", args=[plant.inspection.pk]))
    assert b"<script>alert(1)" not in page.content


@pytest.mark.parametrize("name", ["problem", "inspection", "alert"])
def test_an_unknown_permalink_is_a_clear_404(name, engineer):
    url = reverse(name, args=["00000000-0000-0000-0000-000000000000"])
    answer = engineer.get(url)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
