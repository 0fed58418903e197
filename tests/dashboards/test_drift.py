"""What the charts of a parameter say stands below its readings."""

from __future__ import annotations

import re

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone, translation

from analytics.core.drift import drift_of
from analytics.core.watch import detection
from traceability.attribution.models import Evidence
from traceability.dashboards.detection import detection_facts
from traceability.dashboards.drift import drift_facts


def drift(moved=3.0, upper=54.0):
    """Readings an hour apart around 50, moved by some sigmas ten days ago."""
    values = 50.0 + np.random.default_rng(0).standard_normal(600)
    values[360:] += moved
    now = timezone.now().timestamp()
    found = drift_of(values, now - 3600.0 * np.arange(600)[::-1], None, upper)
    return found.to_json()


def test_a_drift_is_told_with_onset_signals_and_capability():
    facts = dict(drift_facts(drift()))
    assert re.fullmatch(r"\d\.\d σ up", facts["Drift"])
    assert facts["Drifting since"]
    assert facts["Signals"].startswith("CUSUM, EWMA, Nelson 1 2")
    assert re.match(r"0\.\d\d \(\d\.\d\d – \d\.\d\d\)", facts["Cpk"])
    assert "Cp" not in facts
    assert facts["Outside the limits"].endswith(" %")
    assert facts["False alarms"] == "one in 10,000 points of each chart"


def test_readings_that_stand_still_are_said_to():
    facts = dict(drift_facts(drift(moved=0.0, upper=None)))
    assert facts["Drift"] == "none: the readings stand still"
    assert "Signals" not in facts
    assert "Cpk" not in facts


@pytest.mark.parametrize("stored", [None, {}])
def test_evidence_stored_without_a_drift_has_no_facts(stored):
    assert drift_facts(stored) == []


def test_chinese_has_its_own_words():
    with translation.override("zh-hans"):
        facts = dict(drift_facts(drift()))
    assert "漂移" in facts
    assert not {"Drift", "Signals", "False alarms"} & set(facts)


def rate(rates):
    at = [f"2026-03-{day + 1:02d}T00:00:00Z" for day in range(len(rates))]
    return detection({"at": at, "n": [100] * len(rates), "defective": rates})


def test_the_chart_of_the_defect_rate_says_when_it_signalled():
    facts = dict(detection_facts(rate([2, 1, 3, 2, 2, 1] * 3 + [15, 18, 16])))
    said = facts["Control chart (CUSUM)"]
    assert re.fullmatch(r"signal on 19 Mar.*, risen since 19 Mar.*", said)
    assert facts["False alarms"] == "one in 1,000 stretches"
    over = dict(detection_facts(rate([2, 1, 3, 2] + [15, 18, 16] + [2, 1, 3, 2] * 5)))
    assert "risen from 5 Mar" in over["Control chart (CUSUM)"]
    calm = dict(detection_facts(rate([2, 1, 3, 2, 2, 1] * 3)))
    assert calm["Control chart (CUSUM)"] == "no signal"
    assert detection_facts(None) == []


@pytest.mark.django_db
def test_the_problem_page_shows_it_under_the_chart(plant, engineer):
    frame = Evidence.objects.get(cause=plant.cause).frame | {"drift": drift()}
    Evidence.objects.filter(cause=plant.cause).update(frame=frame)
    page = engineer.get(reverse("problem", args=[plant.problem.pk])).content.decode()
    assert "Drifting since" in page
    assert "one in 10,000 points of each chart" in page
