"""Every exhibit can be stored and drawn."""

from __future__ import annotations

import json

import pytest

from analytics.charts.evidence import daily_figure, figure_for
from analytics.charts.overview import pareto, yield_trend
from analytics.charts.words import ENGLISH
from analytics.core.cells import Claim
from analytics.core.exhibit import LIMIT
from analytics.core.exhibits import exhibit_for
from analytics.core.frames import Bundle
from analytics.core.population import outcome_of
from analytics.core.study import Study
from tests.analytics.scene import line, problem

CASES = {
    "parameter_step": "readings",
    "lot": "levels",
    "age": "ages",
    "equipment": "levels",
    "operator": "levels",
}


@pytest.mark.parametrize(("plant", "chart"), CASES.items())
def test_an_exhibit_is_small_json_and_draws(plant, chart):
    exhibit = json.loads(json.dumps(problem(201, plant).causes[0].evidence.to_json()))
    assert exhibit["chart"] == chart
    lengths = {len(column) for column in exhibit["columns"].values()}
    assert len(lengths) == 1
    assert lengths.pop() <= LIMIT
    assert len({len(column) for column in exhibit["daily"].values()}) == 1
    assert bool(exhibit["drift"]) == (chart == "readings")
    drawn = figure_for(exhibit, {})
    assert drawn["data"]
    assert drawn["layout"]["autosize"]
    json.dumps(drawn, allow_nan=False)
    json.dumps(daily_figure(exhibit["daily"], exhibit["marks"]["onset"], {}))


def test_a_pair_is_a_table_with_the_suspect_framed():
    drawn = line(201, "interaction")
    study = Study.of(Bundle.of(drawn.frames))
    (material, operation), (lot, machine) = drawn.truth.factor, drawn.truth.level
    claim = Claim(
        "interaction",
        operation,
        material,
        "both",
        parts=(
            Claim("lot", operation, material, "level", lot),
            Claim("equipment", operation, operation, "level", machine),
        ),
    )
    outcome = outcome_of(study.bundle, study.population, "void")
    exhibit = exhibit_for(study, outcome, claim, outcome.defective, None).to_json()
    assert sum(exhibit["columns"]["highlighted"]) == 1
    figure = figure_for(exhibit, {})
    assert figure["layout"]["shapes"]
    assert len(figure["data"][0]["z"]) == len(figure["data"][0]["y"])


def test_all_words_come_from_the_page():
    exhibit = problem(201, "age").causes[0].evidence.to_json()
    foreign = dict.fromkeys(ENGLISH, "字")
    text = json.dumps(figure_for(exhibit, foreign), ensure_ascii=False)
    assert "字" in text
    assert not any(word in text for word in ("Defective", "Hours", "Suspect"))


def test_an_unknown_chart_is_refused():
    with pytest.raises(KeyError):
        figure_for({"chart": "pie", "columns": {}, "marks": {}}, {})


def test_pareto_sorts_and_adds_up():
    bars, cumulative = pareto(["a", "b", "c"], [1, 5, 4], {})["data"]
    assert bars["x"] == ["b", "c", "a"]
    assert cumulative["y"] == [0.5, 0.9, 1.0]
    json.dumps(pareto([], [], {}))


def test_yield_has_its_interval():
    drawn = yield_trend(["2026-03-01"], [0.97], [0.9], [0.99], {})
    assert drawn["data"][0]["error_y"]["array"] == [pytest.approx(0.02)]
