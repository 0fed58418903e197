"""The benchmark of a seventh class: one training, one line, the three bars."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.detector.incremental import bar_met
from benchmarks.detector.seventh import GOLDEN, NEW_TEST, REPLAY, write_folders
from tests.services import training_packages

GOOD = {"new_class_map50": 0.91, "golden_drop": 0.004, "seconds": 110.0}
TINY = ("--epochs", "1", "--size", "96", "--device", "cpu")
GIVEN = ("--from", "pcb-defects", "--", *TINY)


@pytest.mark.parametrize(
    ("changed", "met"),
    [
        ({}, True),
        ({"golden_drop": -0.02}, True),
        ({"new_class_map50": 0.89}, False),
        ({"golden_drop": 0.006}, False),
        ({"seconds": 121.0}, False),
    ],
)
def test_all_three_bars_must_be_met(changed: dict[str, float], met: bool) -> None:
    assert bar_met(GOOD | changed) is met


def test_one_line_tells_what_a_real_training_reached(tmp_path: Path) -> None:
    training_packages()
    others = {NEW_TEST: 2, GOLDEN: 2, REPLAY: 4}
    write_folders(tmp_path / "data", 8, seed=3, others=others, workers=2)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.detector.incremental",
            tmp_path,
            "--",
            *TINY,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = done.stdout.splitlines()
    row = json.loads(line)
    assert row["epochs"] == 1
    assert row["views"] == 12  # six images of eight, as many again of old data
    assert 0 < row["seconds_training"] < row["seconds"]
    assert row["golden_drop"] == round(row["golden_before"] - row["golden_after"], 4)
    assert row["golden_drop_judging_half"] is None  # two images cannot be parted
    assert 0 <= row["new_class_map50"] <= 1
    assert row["device"].startswith("CPU")
    assert not row["bar_met"]
