"""The shape and the invariance of an answer."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from analytics.core.results import Options
from tests.analytics.scene import analysis, answers, line, tiny_frames

FEW = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))


def shuffled(frames, seed):
    rng = np.random.default_rng(seed)
    return {
        file: frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
        for file, frame in frames.items()
    }


@FEW
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(seed):
    frames = shuffled(line(201, "age").frames, seed)
    assert analyse(Bundle.of(frames)).to_json() == analysis(201, "age").to_json()


@FEW
@given(seed=st.integers(0, 1000))
def test_relabelled_levels_change_only_names(seed):
    frames = dict(line(201, "lot").frames)
    names = sorted(frames["lots"]["lot"].unique())
    new = np.random.default_rng(seed).permutation(len(names))
    relabelled = {name: f"L{k:03d}" for name, k in zip(names, new, strict=True)}
    frames["lots"] = frames["lots"].assign(lot=frames["lots"]["lot"].map(relabelled))
    first = answers(analyse(Bundle.of(frames)))[0]["causes"][0]
    known = answers(analysis(201, "lot"))[0]["causes"][0]
    assert first["level"] == relabelled[known["level"]]
    assert first["confidence"] == pytest.approx(known["confidence"], abs=1e-6)


def test_the_result_is_json_with_a_hash_of_itself():
    said = analysis(201, "age").to_json()
    text = json.dumps(said, allow_nan=False)
    assert json.loads(text) == said
    assert said["schema"] == 1
    assert len(said["input_sha256"]) == len(said["result_sha256"]) == 64
    assert analyse(Bundle.of(line(201, "age").frames)).to_json() == said


def test_other_inputs_have_another_fingerprint():
    frames = dict(line(201, "age").frames)
    frames["defects"] = frames["defects"].iloc[1:]
    changed = analyse(Bundle.of(frames)).to_json()
    assert changed["input_sha256"] != analysis(201, "age").to_json()["input_sha256"]


def test_a_duplicated_column_becomes_one_credible_set():
    drawn = line(201, "parameter_ramp")
    frames, truth = dict(drawn.frames), drawn.truth
    own = frames["readings"]
    known = (own["operation"] == truth.operation) & (own["parameter"] == truth.factor)
    twin = own[known]
    frames["readings"] = pd.concat([own, twin.assign(parameter="twin")])
    said = answers(analyse(Bundle.of(frames)))[0]
    first, second = said["causes"][:2]
    assert {first["factor"], second["factor"]} == {truth.factor, "twin"}
    assert first["confidence"] == pytest.approx(second["confidence"], abs=0.02)
    group = said["credible_sets"][0]
    assert set(group["members"]) >= {1, 2}
    assert group["separate_by"]["code"] == "set_back_parameter"


def test_what_happened_after_the_inspection_is_no_cause():
    frames = dict(line(201, "equipment").frames)
    operation = line(201, "equipment").truth.operation
    steps = frames["steps"].copy()
    late = steps["operation"] == operation
    steps.loc[late, "started_at"] += pd.Timedelta(days=400)
    steps.loc[late, "ended_at"] += pd.Timedelta(days=400)
    found = answers(analyse(Bundle.of({**frames, "steps": steps})))[0]
    assert all(cause["operation"] != operation for cause in found["causes"])


def test_too_few_defects_are_said_and_not_ranked():
    found = analyse(Bundle.of(tiny_frames(20)))
    problem = answers(found)[0]
    assert problem["causes"] == []
    assert problem["notes"][0]["code"] == "too_little_data"


@pytest.mark.parametrize("n", [0, 1, 2])
def test_next_to_no_units_are_an_answer_too(n):
    frames = tiny_frames(60)
    kept = set(frames["units"]["unit"][:n])
    frames = {f: frame[frame["unit"].isin(kept)] for f, frame in frames.items()}
    said = analyse(Bundle.of(frames)).to_json()
    assert all(not problem["causes"] for problem in said["problems"])
    assert said["notes"] or said["problems"][0]["notes"]


def test_ten_thousand_levels_are_an_answer():
    frames = tiny_frames(10_000)
    frames["lots"] = pd.DataFrame(
        {
            "unit": frames["units"]["unit"],
            "operation": "OP10",
            "material": "M",
            "lot": [f"L{i}" for i in range(10_000)],
        }
    )
    found = answers(analyse(Bundle.of(frames)))[0]
    assert max((c["confidence"] for c in found["causes"]), default=0.0) < 0.5


def test_only_the_classes_and_lines_asked_for_are_analysed():
    frames = tiny_frames()
    frames["units"]["line"] = np.where(np.arange(60) < 50, "A", "B")
    more = frames["defects"].assign(defect_class="scratch")
    frames["defects"] = pd.concat([frames["defects"], more])
    found = analyse(Bundle.of(frames), Options(classes=("scratch",), lines=("A",)))
    assert found.units == 50
    assert [problem.defect_class for problem in found.problems] == ["scratch"]


def test_gaps_are_named():
    said = answers(analyse(Bundle.of(tiny_frames())))[0]
    assert {"operation": "OP10", "what": "readings"} in said["not_recorded"]


def test_held_units_are_the_exposed_ones_with_their_risk():
    found = analysis(201, "age")
    held = found.held
    assert set(held["unit"]) <= set(line(201, "age").frames["units"]["unit"])
    assert ((held["low"] <= held["risk"]) & (held["risk"] <= held["high"])).all()
    strict = analyse(Bundle.of(line(201, "age").frames), Options(confidence=1.0))
    assert len(strict.held) <= len(held)


def test_uninspected_units_are_held_but_not_counted():
    frames = dict(line(201, "lot").frames)
    units = frames["units"]
    waiting = set(units["unit"][::2]) - set(frames["defects"]["unit"])
    looked = units[~units["unit"].isin(waiting)]
    frames["inspections"] = pd.DataFrame(
        {"unit": looked["unit"], "inspected_at": looked["completed_at"]}
    )
    found = analyse(Bundle.of(frames))
    assert found.problems[0].inspected_units == len(looked)
    assert set(found.held["unit"]) & waiting
