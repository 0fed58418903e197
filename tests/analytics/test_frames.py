"""The door of the bundle: what it lets in, and what it says when it does not."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from analytics.core.errors import BundleError
from analytics.core.frames import Bundle
from tests.analytics.scene import tiny_frames


def test_missing_files_become_empty_frames():
    bundle = Bundle.of(tiny_frames())
    assert list(bundle.lots.columns) == [
        "unit",
        "operation",
        "material",
        "lot",
        "supplier",
    ]
    assert bundle.lots.empty


def test_without_inspections_all_units_were_inspected_at_completion():
    bundle = Bundle.of(tiny_frames())
    assert list(bundle.inspections["unit"]) == list(bundle.units["unit"])
    assert (bundle.inspections["inspected_at"] == bundle.units["completed_at"]).all()


def test_times_may_be_text_and_of_any_zone():
    frames = tiny_frames()
    frames["units"]["completed_at"] = "2026-03-01T08:00:00+08:00"
    completed = Bundle.of(frames).units["completed_at"]
    assert (completed == pd.Timestamp("2026-03-01T00:00:00Z")).all()


@pytest.mark.parametrize(
    ("file", "column", "value", "sentence"),
    [
        ("units", "unit", "U001", "units, column unit, row 3: 'U001' appears more"),
        ("units", "completed_at", "yesterday", "column completed_at, row 2"),
        ("units", "completed_at", "2026-03-01T00:00:00", "a time without a zone"),
        ("units", "product", None, "units, column product, row 2: the value is miss"),
        ("defects", "unit", "X", "defects, column unit, row 2: unit 'X' is not in"),
        ("defects", "score", "high", "defects, column score, row 2: 'high' is not a"),
        ("steps", "started_at", None, "steps, column started_at, row 2"),
    ],
)
def test_a_fault_is_named_by_file_column_and_row(file, column, value, sentence):
    frames = tiny_frames()
    frame = frames[file].astype(object)
    if column not in frame:
        frame[column] = None
    frame.loc[0, column] = value
    with pytest.raises(BundleError) as caught:
        Bundle.of({**frames, file: frame})
    assert sentence in str(caught.value)


def test_a_reading_that_is_not_a_number_is_refused():
    frames = tiny_frames()
    for value in (np.nan, np.inf, "n/a"):
        frames["readings"] = pd.DataFrame(
            {"unit": ["U000"], "operation": "OP10", "parameter": "t", "value": [value]}
        )
        with pytest.raises(BundleError, match=r"readings, column value, row 2"):
            Bundle.of(frames)


@pytest.mark.parametrize("file", ["units", "defects"])
def test_units_and_defects_must_be_there(file):
    frames = tiny_frames()
    del frames[file]
    with pytest.raises(BundleError, match=f"{file}: the file is missing"):
        Bundle.of(frames)


def test_a_missing_column_is_named():
    frames = tiny_frames()
    frames["steps"] = frames["steps"].drop(columns="equipment")
    with pytest.raises(BundleError, match="steps, column equipment: the column is"):
        Bundle.of(frames)


def test_unknown_columns_are_ignored():
    frames = tiny_frames()
    frames["units"]["colour"] = "red"
    assert "colour" not in Bundle.of(frames).units


def test_columns_of_readings_must_be_as_long_as_units():
    short = {("OP10", "t"): np.zeros(3, dtype=np.float32)}
    with pytest.raises(BundleError, match="it has 3 rows and units has 60"):
        Bundle.of(tiny_frames(), short)


def test_units_stand_in_order_of_completion_and_columns_with_them():
    frames = tiny_frames()
    mixed = np.random.default_rng(0).permutation(60)
    frames["units"] = frames["units"].iloc[mixed]
    bundle = Bundle.of(frames, {("OP10", "t"): mixed.astype(np.float32)})
    assert list(bundle.units["unit"]) == [f"U{i:03d}" for i in range(60)]
    assert bundle.columns["OP10", "t"].tolist() == list(range(60))


def test_units_of_one_moment_stand_in_order_of_their_names():
    frames = tiny_frames()
    frames["units"] = frames["units"].assign(completed_at="2026-03-01T00:00Z")[::-1]
    assert Bundle.of(frames).units["unit"].is_monotonic_increasing


def test_a_column_of_units_is_coded_by_the_rows_of_units():
    bundle = Bundle.of(tiny_frames())
    assert bundle.defects["unit"].cat.codes.tolist() == list(range(0, 60, 11))
    kind = bundle.units["unit"].dtype
    assert all(frame["unit"].dtype == kind for frame in (bundle.steps, bundle.lots))


def test_a_line_has_only_its_own_units_steps_and_readings():
    frames = tiny_frames()
    frames["units"]["line"] = np.where(np.arange(60) % 2, "A", "B")
    values = np.arange(60, dtype=np.float32)
    part = Bundle.of(frames, {("OP10", "t"): values}).of_lines(["A"])
    assert list(part.units["unit"]) == [f"U{i:03d}" for i in range(1, 60, 2)]
    assert list(part.steps["unit"]) == list(part.units["unit"])
    assert list(part.defects["unit"]) == ["U011", "U033", "U055"]
    assert part.columns["OP10", "t"].tolist() == list(range(1, 60, 2))


def test_a_column_that_holds_all_sorts_of_things_is_read_as_text():
    frames = tiny_frames()
    frames["steps"]["tool"] = pd.Series(["T1", 2, 3.5, None] * 15, dtype=object)
    tools = Bundle.of(frames).steps["tool"]
    assert list(tools[:4]) == ["T1", "2", "3.5", ""]


def test_ten_thousand_units_pass_the_door_in_a_second():
    frames = tiny_frames(10_000)
    begun = time.process_time()
    Bundle.of(frames)
    assert time.process_time() - begun < 1.0
