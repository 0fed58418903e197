"""The comparison keeps what it measured, and says what failed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.detector.unlike.folder import write_sets
from benchmarks.detector.unlike.sets import SETS
from benchmarks.detector.unlike_report import markdown
from benchmarks.detector.unlike_table import Rows, compare
from benchmarks.detector.unlike_tools import Place
from benchmarks.detector.yolo_folder import write_yolo

ROW = {"set": "steel", "seconds": 61.4, "map33": 0.8, "map50": 0.7, "map5095": 0.4}


def test_rows_come_back_from_the_file_and_a_failure_does_not_count(
    tmp_path: Path,
) -> None:
    rows = Rows(tmp_path / "rows.jsonl", deadline=0.0)
    rows.add({**ROW, "tool": "ours"})
    rows.add({"set": "steel", "tool": "ours", "error": "out of memory"})
    again = Rows(tmp_path / "rows.jsonl", deadline=0.0)
    assert again.get("steel", "ours") == {**ROW, "tool": "ours"}
    assert again.get("steel", "yolov8n") is None


def test_nothing_new_is_started_after_the_limit(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.jsonl", deadline=time.monotonic() - 1)
    compare([tmp_path / "steel"], [Place("", tmp_path)], rows)
    assert rows.known == []


def test_a_tool_that_fails_leaves_its_words_and_no_figures(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.jsonl", deadline=time.monotonic() + 100)
    compare([tmp_path / "missing"], [Place("", tmp_path)], rows)
    (row,) = rows.known
    assert (row["set"], row["tool"]) == ("missing", "ours")
    assert "missing" in row["error"]
    assert "| missing | ours | failed |" in markdown(rows.known)


def test_the_table_has_a_line_for_each_tool() -> None:
    rows = [
        {**ROW, "tool": "ours", "parameters": 3_680_000},
        {**ROW, "tool": "yolov8n"},
    ]
    table = markdown(rows)
    assert "| steel | ours | 0.800 | 0.700 | 0.400 | 61 |  | 3.68 M |" in table
    assert "| steel | yolov8n |" in table


def test_yolo_gets_every_box_as_shares_of_its_image(tmp_path: Path) -> None:
    write_sets(tmp_path, [SETS["castings"]], seed=1, share=0.01, workers=1)
    coco = tmp_path / "castings" / "train"
    data = json.loads(write_yolo(coco, tmp_path / "yolo").read_text())
    assert data["names"] == {"0": "pore"}
    content = json.loads((coco / "annotations.json").read_text())
    first = content["images"][0]
    boxes = [b["bbox"] for b in content["annotations"] if b["image_id"] == first["id"]]
    path = tmp_path / "yolo" / "labels" / "train" / "castings00000.txt"
    label, x, y, width, height = np.loadtxt(path).T
    assert not label.any()
    corners = np.stack([x - width / 2, y - height / 2, width, height], 1)
    assert corners * 512 == pytest.approx(np.array(boxes), abs=0.01)
    assert (tmp_path / "yolo" / "images" / "train" / "castings00000.png").exists()
