"""A line's records as a folder, and the same answer from it without the database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from analytics.bundle import read_bundle
from analytics.core.contract import COLUMNS
from analytics.core.frames import Bundle
from analytics.export import ExportError, export_bundle
from analytics.runs import analyse_line
from tests.attribution.conftest import START

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def since_the_photos(settings, tmp_path):
    settings.ANALYSIS_WINDOW_DAYS = (timezone.now() - START).days + 1
    settings.RUNS_ROOT = tmp_path / "runs"


def answer_of(folder: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "analytics", str(folder), "--json"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def causes(run):
    return [
        (problem.defect_class.code, cause.chronic, cause.kind, cause.factor)
        + (cause.level, pytest.approx(cause.confidence, abs=1e-9))
        for problem in run.problems.order_by("defect_class__code", "cluster")
        for cause in problem.causes.order_by("chronic", "rank")
    ]


def causes_of(answer):
    return [
        (problem["defect_class"], chronic, cause["kind"], cause["factor"])
        + (cause["level"], cause["confidence"])
        for problem in answer["problems"]
        for chronic, group in ((False, "causes"), (True, "chronic"))
        for cause in problem[group]
    ]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_the_exported_folder_gives_the_answer_of_the_database(
    produce, line, tmp_path, form
):
    produce(0, 240)
    run = analyse_line(line)
    out = tmp_path / "out"
    call_command("export_bundle", "--line", "L1", "--out", str(out), "--format", form)
    answer = answer_of(out)
    assert causes(run)
    assert causes_of(answer) == causes(run)
    if form == "parquet":
        assert answer["input_sha256"] == run.input_sha256
        assert answer["result_sha256"] == run.result_sha256


def test_parquet_readings_are_columns_in_the_order_of_units(produce, line, tmp_path):
    produce(0, 9)
    call_command("export_bundle", "--line", "L1", "--out", str(tmp_path / "out"))
    units = pd.read_parquet(tmp_path / "out" / "units.parquet")
    table = parquet.read_table(tmp_path / "out" / "readings" / "ETCH__temp.parquet")
    assert str(table.schema.field(0).type) == "float"
    numbers = units["unit"].str[1:].astype(int).to_numpy()
    expected = (48 + (numbers * 37 % 100) / 30).astype(np.float32)
    assert table["value"].to_pylist() == expected.tolist()
    assert not (tmp_path / "out" / "readings.parquet").exists()


def test_csv_is_the_contract_in_utf8_with_zones(produce, line, tmp_path):
    produce(0, 3)
    out = tmp_path / "out"
    call_command("export_bundle", "--line", "L1", "--out", str(out), "--format", "csv")
    assert {path.name for path in out.iterdir()} == {f"{name}.csv" for name in COLUMNS}
    for name, columns in COLUMNS.items():
        heading = (out / f"{name}.csv").read_text("utf-8").splitlines()[0]
        assert heading.split(",") == [column.name for column in columns]
    steps = pd.read_csv(out / "steps.csv", dtype="str")
    assert steps["started_at"][1] == "2026-03-01T08:01:00.000000Z"
    assert "批次-1" in (out / "units.csv").read_text("utf-8")


def test_a_time_window_takes_what_was_captured_in_it(produce, line, tmp_path):
    produce(0, 9)
    out = tmp_path / "out"
    window = ["--from", "2026-03-01T08:02:00Z", "--to", "2026-03-01T16:05:00+08:00"]
    call_command("export_bundle", "--line", "L1", *window, "--out", str(out))
    assert sorted(read_bundle(out).units["unit"]) == ["U2", "U3", "U4"]


def test_what_a_run_saw_is_exported_although_the_records_went_on(
    produce, line, tmp_path
):
    produce(0, 60)
    run = analyse_line(line)
    produce(60, 70)
    out = tmp_path / "out"
    asked = ["--line", "L1", "--run", str(run.pk), "--out", str(out)]
    call_command("export_bundle", *asked, "--format", "csv")
    assert len(read_bundle(out).units) == 60


def test_a_folder_that_holds_something_is_refused_and_left_alone(line, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_bundle", "--line", "L1", "--out", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_used_and_an_empty_line_is_a_bundle(line, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    call_command("export_bundle", "--line", "L1", "--out", str(out))
    assert read_bundle(out).units.empty


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--line", "L9"], "no line 'L9'. There are: L1, L2"),
        (["--line", "L1", "--from", "2026-03-02", "--to", "2026-03-01"], "before"),
        (["--line", "L1", "--run", "0" * 32], "no analysis"),
        (["--line", "L1", "--from", "yesterday"], "yesterday"),
    ],
)
def test_what_cannot_be_exported_is_said(line, tmp_path, asked, said):
    with pytest.raises(CommandError, match=said):
        call_command("export_bundle", *asked, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def small_bundle(columns):
    units = {"unit": ["U1", "U2"], "product": "P", "batch": "", "line": ""}
    at = pd.to_datetime(["2026-03-01T00:00:00.25Z"] * 2)
    frames = {
        "units": pd.DataFrame({**units, "completed_at": at}),
        "defects": pd.DataFrame({"unit": ["U1"], "defect_class": ['a, "b"\nc']}),
    }
    return Bundle.of(frames, columns)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_codes_that_no_file_can_be_named_after_come_back(tmp_path, form):
    values = np.array([0.1, np.nan], dtype=np.float32)
    keys = [("A/B", "x"), ("A-B", "x"), ("A_", "_B"), ("A__", "B"), ("..", "温度" * 60)]
    bundle = small_bundle({key: values + n for n, key in enumerate(keys)})
    export_bundle(bundle, tmp_path / "out", form)
    back = read_bundle(tmp_path / "out")
    if form == "parquet":
        assert set(back.columns) == set(keys)
        for key in keys:
            np.testing.assert_array_equal(back.columns[key], bundle.columns[key])
    else:
        read = back.readings.set_index(["operation", "parameter"])["value"]
        expected = {key: np.float32(values[0] + n) for n, key in enumerate(keys)}
        assert read.astype(np.float32).to_dict() == expected
    assert back.defects["defect_class"].tolist() == ['a, "b"\nc']
    pd.testing.assert_frame_equal(back.units, bundle.units)


def test_an_export_that_fails_leaves_nothing(tmp_path, monkeypatch):
    bundle = small_bundle({})
    object.__setattr__(bundle, "defects", None)
    with pytest.raises(TypeError):
        export_bundle(bundle, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ExportError, match="not empty"):
        export_bundle(small_bundle({}), tmp_path / "out")
