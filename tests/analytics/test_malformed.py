"""Folders that nobody should have written: a sentence or a note, never a traceback."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from analytics.__main__ import main
from tests.analytics.scene import tiny_frames

UNITS = "unit,product,batch,completed_at\n"
STEPS = "unit,operation,equipment,run_no,started_at,ended_at\n"
TIME = "2026-03-01T00:00:00Z"
LIMITS = "operation,parameter,lower_limit,upper_limit\n"


@pytest.fixture
def folder(tmp_path):
    for file, frame in tiny_frames().items():
        frame.to_csv(tmp_path / f"{file}.csv", index=False)
    return tmp_path


def refusal(folder, capsys):
    """The one line of stderr of a command that ended with 1 and no answer."""
    assert main([str(folder), "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.endswith(".\n")
    return said.err


def answer(folder, capsys):
    assert main([str(folder), "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return json.loads(said.out)


def unit(name="U000", at=TIME):
    return f"{name},P,B,{at}\n"


def step(name="U000", run_no="1", at=TIME):
    return f"{name},OP10,M1,{run_no},{at},{at}\n"


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("units", "unit,product,completed_at\n", "units, column batch: the column is"),
        ("units", UNITS + "U1,P,B,2026-03-01T00:00:00\n", "row 2: '2026-03-01T00:00:0"),
        ("units", UNITS + "U1,P,B,2026-03-01\n", "'2026-03-01' is a time without a z"),
        ("units", UNITS + "U1,P,B,yesterday\n", "column completed_at, row 2: 'yesterd"),
        ("units", UNITS + "U1,P,B,2026-02-30T00:00Z\n", "30T00:00Z' is not a time"),
        ("units", UNITS + unit() + unit(), "column unit, row 3: 'U000' appears more"),
        ("units", UNITS + unit() + ",P,B," + TIME, "column unit, row 3: the value is"),
        ("units", UNITS + unit() + "U001,P,B\n", "units.csv, row 3: it cannot be read"),
        (
            "units",
            UNITS + unit() + "U1,P,B,a,b\n",
            "row 3: it cannot be read (Expected",
        ),
        ("units", "unit;product;batch\nU1;P;B\n", "Separate the columns by commas"),
        (
            "units",
            "unit,unit,product,batch\n",
            "column unit: the column is there twice",
        ),
        ("units", UNITS + '"U1,P,B,' + TIME, "odd number of quotation marks"),
        ("units", "", "units.csv: it is empty"),
        ("defects", "unit,defect_class\nU999,void\n", "unit 'U999' is not in units"),
        ("defects", "unit,defect_class\nU000,\n", "column defect_class, row 2: the va"),
        ("defects", "unit,defect_class,x\nU000,void,1.5\n", "'1.5' lies outside 0..1"),
        (
            "defects",
            "unit,defect_class,y\nU000,void,-0.1\n",
            "'-0.1' lies outside 0..1",
        ),
        ("defects", "unit,defect_class,x\nU000,void,nan\n", "'nan' is not a number"),
        ("defects", "unit,defect_class,score\nU000,void,inf\n", "column score, row 2"),
        ("steps", STEPS + step("U999"), "steps, column unit, row 2: unit 'U999' is"),
        (
            "steps",
            STEPS + step(run_no="-1"),
            "column run_no, row 2: '-1.0' is not a co",
        ),
        ("steps", STEPS + step(run_no="1.5"), "run_no, row 2: '1.5' is not a count"),
        ("steps", STEPS + step() + step(), "row 3: 'U000 / OP10' has the same run_no"),
        (
            "steps",
            STEPS + step(run_no="") * 2,
            "has the same started_at more than once",
        ),
        (
            "inspections",
            f"unit,inspected_at\nU999,{TIME}\n",
            "inspections, column unit",
        ),
        (
            "lots",
            "unit,operation,material,lot\nU999,OP10,M,L\n",
            "lots, column unit, r",
        ),
        (
            "lots",
            "unit,operation,material,lot\nU000,OP10,M,\n",
            "lots, column lot, row",
        ),
        ("parameters", LIMITS + "OP10,t,9,1\n", "lower_limit, row 2: the lower limit "),
        ("parameters", LIMITS + "OP10,t,1,\nOP10,t,,\n", "'OP10 / t' appears more tha"),
        (
            "equipment_events",
            "equipment,at,kind\nM1,,repair\n",
            "column at, row 2: the",
        ),
    ],
)
def test_a_faulty_file_is_named_with_column_and_row(
    folder, capsys, file, text, sentence
):
    (folder / f"{file}.csv").write_text(text)
    assert sentence in refusal(folder, capsys)


@pytest.mark.parametrize("value", ["", "nan", "NaN", "inf", "-inf", "n/a", "1,5"])
def test_a_reading_must_be_a_finite_number(folder, capsys, value):
    text = f'unit,operation,parameter,value\nU000,OP10,t,"{value}"\n'
    (folder / "readings.csv").write_text(text)
    assert "readings, column value, row 2: " in refusal(folder, capsys)


def test_a_reading_told_twice_is_refused(folder, capsys):
    text = (
        "unit,operation,parameter,value\nU001,OP10,t,1\nU000,OP10,t,1\nU001,OP10,t,2\n"
    )
    (folder / "readings.csv").write_text(text)
    said = refusal(folder, capsys)
    assert "readings, column parameter, row 4: 'U001 / OP10 / t' appears more" in said


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "latin-1"])
def test_text_that_is_not_utf8_is_refused(folder, capsys, encoding):
    words = "Lötstelle" if encoding == "latin-1" else "焊点"
    text = UNITS + f"U000,{words},B,{TIME}\n"
    (folder / "units.csv").write_bytes(text.encode(encoding))
    assert "units.csv" in refusal(folder, capsys)


def columns_of(folder, **files):
    (folder / "readings").mkdir()
    for name, values in files.items():
        path = folder / "readings" / f"{name}.parquet"
        parquet.write_table(pa.table({"value": pa.array(values)}), path)


def test_columns_of_another_length_are_refused(folder, capsys):
    columns_of(folder, OP10__t=[1.0] * 59)
    assert "readings/OP10/t: it has 59 rows and units has 60" in refusal(folder, capsys)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_columns_hold_nothing_infinite(folder, capsys, value):
    columns_of(folder, OP10__t=[1.0] * 7 + [value] + [2.0] * 52)
    said = refusal(folder, capsys)
    assert "OP10" in said
    assert "row 9: " in said


def test_columns_of_text_are_refused(folder, capsys):
    columns_of(folder, OP10__t=["1.0"] * 59 + ["high"])
    said = refusal(folder, capsys)
    assert "readings/OP10__t.parquet, column value, row 61: 'high' is not a num" in said


def test_files_of_the_folder_of_readings_say_what_they_hold(folder, capsys):
    columns_of(folder, OP10=[1.0] * 60)
    assert "readings/OP10.parquet: it does not say which" in refusal(folder, capsys)


def test_files_of_the_folder_of_readings_are_parquet(folder, capsys):
    columns_of(folder, OP10__t=[1.0] * 60)
    (folder / "readings" / "OP10__p.csv").write_text("value\n1\n")
    assert "readings/OP10__p.csv: it is not a Parquet" in refusal(folder, capsys)


def test_a_parameter_in_both_layouts_is_refused(folder, capsys):
    columns_of(folder, OP10__t=[1.0] * 60)
    text = "unit,operation,parameter,value\nU000,OP10,p,1\nU000,OP10,t,1\n"
    (folder / "readings.csv").write_text(text)
    assert "readings, column parameter, row 3: 't' of 'OP10'" in refusal(folder, capsys)


def with_parquet(folder, file, **columns):
    """Replace columns of a file by arrays of Arrow, or append them."""
    frame = tiny_frames()[file]
    table = {name: pa.array(frame[name]) for name in frame}
    (folder / f"{file}.csv").unlink()
    parquet.write_table(pa.table(table | columns), folder / f"{file}.parquet")


N = len(tiny_frames()["units"])
NAIVE = pa.array(np.full(N, np.datetime64("2026-03-01", "us")))


@pytest.mark.parametrize(
    ("column", "values", "sentence"),
    [
        (
            "completed_at",
            NAIVE,
            "row 2: '2026-03-01 00:00:00' is a time without a zone",
        ),
        ("completed_at", NAIVE.cast(pa.date32()), "'2026-03-01' is a time without a z"),
        ("completed_at", pa.array(range(N)), "it holds int64 and times are needed"),
        ("completed_at", pa.array(["soon"] * N), "row 2: 'soon' is a time without a z"),
        (
            "completed_at",
            pa.nulls(N),
            "column completed_at, row 2: the value is missing",
        ),
        ("product", pa.array([["P"]] * N), "it holds list<element: string> and text"),
        (
            "unit",
            pa.array([{"a": 1}] * N),
            "units, column unit: it holds struct<a: int6",
        ),
    ],
)
def test_a_column_of_another_type_is_refused(folder, capsys, column, values, sentence):
    with_parquet(folder, "units", **{column: values})
    assert sentence in refusal(folder, capsys)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("product", pa.array([7] * N)),
        ("product", pa.array([Decimal("7.00")] * N)),
        ("product", pa.array(["P"] * N, pa.large_string())),
        ("product", pa.array(["P"] * N).dictionary_encode()),
        ("product", pa.array([b"P"] * N)),
        ("unit", pa.array([f" U{i:03d} " for i in range(N)]).dictionary_encode()),
        ("completed_at", pa.array([TIME] * N)),
        ("completed_at", pa.array([TIME] * N).dictionary_encode()),
        ("completed_at", NAIVE.cast(pa.timestamp("ns", "Asia/Shanghai"))),
        ("completed_at", pa.array(["0001-01-01T00:00:00Z"] * N)),
        ("completed_at", pa.array(["9999-12-31T23:59:59+00:00"] * N)),
    ],
)
def test_a_type_with_one_meaning_is_read(folder, capsys, column, values):
    with_parquet(folder, "units", **{column: values})
    assert answer(folder, capsys)["units"] == N


@pytest.mark.parametrize(
    "scores",
    [
        pa.array([Decimal("0.5")] * 6),
        pa.array(["0.5"] * 6),
        pa.array(["0.5"] * 6).dictionary_encode(),
        pa.array([1] * 6, pa.int8()),
        pa.array([True] * 6),
    ],
)
def test_numbers_may_be_of_any_numeric_type(folder, capsys, scores):
    with_parquet(folder, "defects", score=scores)
    assert answer(folder, capsys)["problems"][0]["defective_units"] == 6


def test_a_file_that_is_no_parquet_is_refused(folder, capsys):
    (folder / "steps.parquet").write_bytes(b"PAR1 not really PAR1")
    assert "steps.parquet: it is not a Parquet file" in refusal(folder, capsys)


def test_bom_windows_line_ends_and_quoted_chinese_text_are_read(tmp_path, capsys):
    frames = tiny_frames()
    frames["steps"]["equipment"] = np.where(
        np.arange(N) % 2, "回流焊,一号", "贴片\n二号"
    )
    frames["defects"]["defect_class"] = "空洞"
    for file, frame in frames.items():
        text = frame.to_csv(index=False, lineterminator="\r\n")
        (tmp_path / f"{file}.csv").write_bytes(text.encode("utf-8-sig"))
    said = answer(tmp_path, capsys)
    assert [problem["defect_class"] for problem in said["problems"]] == ["空洞"]
    assert main([str(tmp_path), "--class", "空洞"]) == 0


def test_na_is_a_name_like_others(folder, capsys):
    (folder / "defects.csv").write_text("unit,defect_class\nU000,NA\nU001,null\n")
    said = answer(folder, capsys)
    assert [problem["defect_class"] for problem in said["problems"]] == ["NA", "null"]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n"])
def test_files_of_headings_alone_are_an_answer(tmp_path, capsys, end):
    (tmp_path / "units.csv").write_bytes((UNITS.strip() + end).encode())
    (tmp_path / "steps.csv").write_bytes((STEPS.strip() + end).encode())
    (tmp_path / "defects.csv").write_bytes(("unit,defect_class" + end).encode())
    said = answer(tmp_path, capsys)
    assert said["problems"] == []
    assert [note["code"] for note in said["notes"]] == ["nothing_to_analyse"]


def codes(said):
    notes = [*said["notes"], *(n for p in said["problems"] for n in p["notes"])]
    return [note["code"] for note in notes]


def test_no_defects_are_an_answer(folder, capsys):
    (folder / "defects.csv").write_text("unit,defect_class\n")
    assert codes(answer(folder, capsys)) == ["nothing_to_analyse"]


def test_one_unit_is_an_answer(folder, capsys):
    (folder / "units.csv").write_text(UNITS + unit())
    (folder / "steps.csv").write_text(STEPS + step())
    (folder / "defects.csv").write_text("unit,defect_class\nU000,void\n")
    assert codes(answer(folder, capsys)) == ["too_little_data"]


def test_all_units_defective_is_an_answer(folder, capsys):
    rows = "".join(f"U{i:03d},void\n" for i in range(N))
    (folder / "defects.csv").write_text("unit,defect_class\n" + rows)
    problem = answer(folder, capsys)["problems"][0]
    assert problem["rate"] == 1.0
    assert all(cause["confidence"] < 0.5 for cause in problem["causes"])


def test_units_without_steps_are_an_answer(folder, capsys):
    (folder / "steps.csv").write_text(STEPS)
    said = answer(folder, capsys)
    assert said["problems"][0]["defective_units"] == 6
    assert said["problems"][0]["not_recorded"] == [{"operation": "", "what": "steps"}]


def test_a_defect_that_no_inspection_found_counts_as_found(folder, capsys):
    """Its unit was looked at, though nobody says when: at its last look or the end."""
    looked = tiny_frames()["units"]["unit"][1:]
    looks = pd.DataFrame({"unit": looked, "inspected_at": TIME, "inspection": "I1"})
    looks.to_csv(folder / "inspections.csv", index=False)
    rows = "".join(f"U{i:03d},void,I9\n" for i in range(0, 60, 11))
    (folder / "defects.csv").write_text("unit,defect_class,inspection\n" + rows)
    problem = answer(folder, capsys)["problems"][0]
    assert problem["defective_units"] == 6
    assert problem["rate"] == pytest.approx(6 / 60)


def test_ten_thousand_levels_are_an_answer(tmp_path, capsys):
    frames = tiny_frames(10_000)
    lots = frames["units"][["unit"]].assign(operation="OP10", material="M")
    frames["lots"] = lots.assign(lot="L" + lots["unit"])
    for file, frame in frames.items():
        frame.to_parquet(tmp_path / f"{file}.parquet")
    causes = answer(tmp_path, capsys)["problems"][0]["causes"]
    assert all(cause["confidence"] < 0.5 for cause in causes)


def test_a_folder_to_write_into_is_needed_before_the_work(folder, capsys):
    held = folder / "nowhere" / "held.csv"
    assert main([str(folder), "--containment", str(held)]) == 1
    assert "there is no folder" in capsys.readouterr().err
