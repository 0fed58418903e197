"""`python -m analytics`: folders in, JSON, tables or a sentence out."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from analytics.__main__ import main
from analytics.bundle import read_bundle
from analytics.core.errors import BundleError
from analytics.progress import SlowProgress
from tests.analytics.scene import analysis, line, tiny_frames


@pytest.fixture
def folder(tmp_path):
    for file, frame in line(201, "age").frames.items():
        frame.to_csv(tmp_path / f"{file}.csv", index=False)
    return tmp_path


def test_json_is_the_answer_of_the_frames(folder, capsys):
    assert main([str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == analysis(201, "age").to_json()


def test_parquet_and_columns_give_the_same_causes(tmp_path):
    frames = dict(line(201, "age").frames)
    readings = frames.pop("readings")
    for file, frame in frames.items():
        frame.to_parquet(tmp_path / f"{file}.parquet")
    (tmp_path / "readings").mkdir()
    for (operation, parameter), own in readings.groupby(["operation", "parameter"]):
        values = frames["units"][["unit"]].merge(own, on="unit", how="left")
        column = pd.DataFrame({"value": values["value"].astype(np.float32)})
        column.to_parquet(tmp_path / "readings" / f"{operation}__{parameter}.parquet")
    bundle = read_bundle(tmp_path)
    assert len(bundle.columns) == 12
    assert {column.dtype for column in bundle.columns.values()} == {np.dtype("f4")}


def test_tables_name_the_cause_and_the_containment_its_units(folder, capsys):
    held = folder / "held.csv"
    assert main([str(folder), "--containment", str(held), "--class", "void"]) == 0
    assert "hours since" in capsys.readouterr().out
    kept = pd.read_csv(held)
    assert list(kept.columns) == ["unit", "risk", "low", "high", "defect_class"]
    assert len(kept) > 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "there is no such folder"),
        (["--class", "crack"], "no unit has a defect of class 'crack'"),
    ],
)
def test_errors_are_sentences(folder, capsys, arguments, sentence):
    where = [] if arguments[0] == "nowhere" else [str(folder)]
    assert main([*where, *arguments]) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("units.csv", ""),
        ("units.csv", '"'),
        ("defects.parquet", "not parquet"),
        ("readings/OP10.parquet", "not parquet"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, text):
    for file, frame in tiny_frames().items():
        frame.to_csv(tmp_path / f"{file}.csv", index=False)
    (tmp_path / "readings").mkdir()
    (tmp_path / name).write_text(text)
    with pytest.raises(BundleError) as caught:
        read_bundle(tmp_path)
    assert name.partition(".")[0] in str(caught.value)


def test_a_confidence_beyond_one_is_refused(folder):
    with pytest.raises(SystemExit) as caught:
        main([str(folder), "--confidence", "2"])
    assert caught.value.code == 2


def test_whoever_stops_reading_gets_no_traceback(folder):
    command = [sys.executable, "-m", "analytics", str(folder), "--json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
    assert run.returncode == 0


def shown(patience, terminal=True):
    """What a terminal shows of two steps of a slow command."""
    ours, theirs = pty.openpty()
    stream = os.fdopen(theirs, "w") if terminal else io.StringIO()
    with SlowProgress(stream, patience) as progress:
        progress("reading", 0.25)
        progress("weighing", 0.75)
    stream.write("end")
    stream.flush()
    said = stream.getvalue() if not terminal else ""
    while not said.endswith("end"):
        said += os.read(ours, 100_000).decode(errors="replace")
    stream.close()
    os.close(ours)
    return said


def test_a_slow_command_says_on_a_terminal_how_far_it_is():
    said = shown(patience=0.0)
    assert "weighing" in said
    assert "75%" in said


@pytest.mark.parametrize(("patience", "terminal"), [(60.0, True), (0.0, False)])
def test_a_fast_command_and_a_pipe_see_no_progress(patience, terminal):
    assert shown(patience, terminal) == "end"


def test_reading_tells_how_far_it_is(folder):
    told = []
    read_bundle(folder, lambda what, share: told.append((what, share)))
    assert {what for what, _ in told} == {"reading"}
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] <= shares[-1] <= 1.0
