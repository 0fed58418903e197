"""The runs of the benchmark are kept, taken up again and counted rightly."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.attribution.run import Run, carry_out, measured, missing, recorded
from benchmarks.attribution.simulator import Settings
from benchmarks.attribution.summary import (
    calibration,
    expected_error,
    risk_slope,
    statement,
    table,
    wilson_lower,
)

SMALL = Settings(units=1200, parameters=8, lift=8.0)


def run_of(seed, kind="operator"):
    return Run("development", kind, seed, SMALL, with_oracle=True)


def test_a_record_is_json_and_says_how_the_plant_ranked():
    record = json.loads(json.dumps(measured(run_of(1))))
    assert record["kind"] == "operator"
    assert record["planted"][0]["kind"] == "operator"
    assert record["top1"] in (True, False)
    assert record["top3"] or not record["top1"]
    assert isinstance(record["oracle_first"], bool)
    assert "| operator | 1 |" in table([record])


def test_runs_in_the_file_are_not_done_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    carry_out([run_of(1)], path, processes=1)
    with path.open("a") as file:
        file.write('{"cut off')
    assert len(recorded(path)) == 1
    assert [run.seed for run in missing([run_of(1), run_of(2)], path)] == [2]


def test_a_failed_run_is_done_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text(json.dumps({**run_of(1).key, "error": "a traceback"}) + "\n")
    assert missing([run_of(1)], path) == [run_of(1)]


def test_wilsons_interval_is_the_published_one():
    assert wilson_lower(95, 100) == pytest.approx(0.8882, abs=1e-4)
    assert np.isnan(wilson_lower(0, 0))


def test_an_honest_forecast_has_no_calibration_error():
    rng = np.random.default_rng(0)
    stated = rng.random(40_000)
    honest = expected_error(calibration(stated, rng.random(40_000) < stated))
    boasting = expected_error(calibration(stated, rng.random(40_000) < stated**2))
    assert honest < 0.02
    assert boasting > 0.1


def test_the_statement_is_the_top_answer_or_none():
    run = {"top_confidence": 0.8, "top1": True, "kind": "lot", "detectable": True}
    assert statement(run) == (0.8, True)
    assert statement({**run, "top_confidence": 0.25}) == (0.75, False)
    assert statement({**run, "top_confidence": 0.25, "kind": "null"}) == (0.75, True)


def test_the_slope_of_true_risks_is_one():
    rng = np.random.default_rng(1)
    risk = np.array([0.01, 0.03, 0.1, 0.3])
    n = 50_000.0
    defects = rng.binomial(int(n), risk)
    rows = [
        [k, n, n * p, n * p, float(d)]
        for k, (p, d) in enumerate(zip(risk, defects, strict=True))
    ]
    slope, units = risk_slope([{"held": rows}])
    assert slope == pytest.approx(1.0, abs=0.05)
    assert units == 4 * n
