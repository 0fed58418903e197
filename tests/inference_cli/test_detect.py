from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference_worker.commands.main import main
from tests.engine.toy import CELL, board, paint
from tests.inference_cli.conftest import write_image


def detect(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    assert main(["detect", "--model", "toy", *words, "--json"]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_rows_are_coco_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = board(480, 640)
    paint(image, 2, left=64, top=96)
    path = write_image(tmp_path / "a.png", image)
    assert detect(capsys, str(path)) == [
        {
            "file_name": "a.png",
            "category": "blue",
            "bbox": [64.0, 96.0, CELL, CELL],
            "score": 1.0,
        }
    ]


def test_a_clean_board_gives_an_empty_array(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(capsys, str(write_image(tmp_path / "a.png", board()))) == []


def test_folders_and_patterns_mean_the_images_in_them(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (coco / "images/readme.txt").touch()
    by_folder = detect(capsys, str(coco / "images"))
    by_pattern = detect(capsys, str(coco / "images/*"), str(coco / "images/0.png"))
    assert by_folder == by_pattern == detect(capsys, str(coco / "**/*.png"))
    assert [row["file_name"] for row in by_folder] == ["0.png", "1.png", "2.png"]


def test_files_of_one_name_are_told_apart_by_their_paths(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "0.png"
    twin.write_bytes((coco / "images/0.png").read_bytes())
    rows = detect(capsys, str(coco / "images/0.png"), str(twin))
    assert [row["file_name"] for row in rows] == [
        str(coco / "images/0.png"),
        str(twin),
    ]


def test_an_unreadable_image_is_reported_and_the_others_inspected(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (coco / "images/0.png").write_text("no picture")
    assert main(["detect", "--model", "toy", str(coco / "images"), "--json"]) == 1
    captured = capsys.readouterr()
    assert [row["category"] for row in json.loads(captured.out)] == ["green", "blue"]
    assert "error: image_unreadable" in captured.err
    assert "0.png" in captured.err


def test_a_path_that_leads_nowhere_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["detect", "--model", "toy", "nowhere.jpg"]) == 1
    assert "nowhere.jpg: no image there" in capsys.readouterr().err


def test_text_is_a_defect_a_line(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", "--model", "toy", str(coco / "images/1.png")]) == 0
    assert capsys.readouterr().out == "1.png\tgreen\t1.0000\t32.0 32.0 32.0 32.0\n"


def test_text_without_a_defect_is_empty(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["detect", "--model", "toy", str(coco / "images/3.png")]) == 0
    assert capsys.readouterr().out == ""
