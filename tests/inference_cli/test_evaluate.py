from __future__ import annotations

import json
from pathlib import Path

import pytest

from inference_worker.commands.evaluate import as_text
from inference_worker.commands.main import main
from inference_worker.engine.metrics import evaluate_detections
from tests.engine.toy import CELL, CLASSES, board, paint, traced, write_toy
from tests.engine.toy_pair import write_pair
from tests.inference_cli.conftest import write_image


def test_json_has_exactly_the_agreed_fields(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--model", "toy", "--coco", str(coco), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert list(result) == [
        "map33",
        "map50",
        "map5095",
        "f",
        "f_threshold",
        "images",
        "per_class",
    ]
    assert (result["map33"], result["map5095"], result["f"]) == (1.0, 1.0, 1.0)
    assert (result["f_threshold"], result["images"]) == (0.6, 4)
    assert list(result["per_class"]) == CLASSES


def test_text_is_a_name_and_a_figure_a_line(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--model", "toy@1", "--coco", str(coco)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "mAP@0.33 1.0000",
        "mAP@0.5 1.0000",
        "mAP@0.5:0.95 1.0000",
        "F@0.33 1.0000",
    ]
    *figures, name = lines[-2].split()
    assert (figures, name) == ([*["1.0000"] * 6, "1"], "green")


def test_a_class_never_drawn_shows_no_figure(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco / "annotations.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"annotations": content["annotations"][1:]}))
    assert main(["evaluate", "--model", "toy", "--coco", str(coco)]) == 0
    red = capsys.readouterr().out.splitlines()[-3].split()
    # One red square is found that nobody drew.
    assert red == ["-", "-", "-", "0.0000", "0.0000", "-", "0", "red"]


def test_a_miss_costs_what_it_should(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (coco / "images/0.png").write_bytes((coco / "images/3.png").read_bytes())
    main(["evaluate", "--model", "toy", "--coco", str(coco), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["map33"] == pytest.approx(2 / 3)
    assert result["f"] == pytest.approx(4 / 5)


def test_weak_finds_count_for_the_precision_but_not_for_f(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(3):
        image = board()
        image[CELL : 2 * CELL, CELL * i : CELL * (i + 1), i] = 100
        write_image(coco / f"images/{i}.png", image)
    main(["evaluate", "--model", "toy", "--coco", str(coco), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (result["map33"], result["f"]) == (1.0, 0.0)


def test_a_folder_is_measured_without_adoption_and_said_to_be_unsigned(
    coco: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_toy(tmp_path / "fresh", version="2")
    assert main(["evaluate", "--model", str(folder), "--coco", str(coco)]) == 0
    assert "not signed" in caplog.text
    assert not (tmp_path / "var").exists()


def test_a_folder_that_was_altered_is_refused(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_toy(tmp_path / "fresh", version="2")
    (folder / "model.onnx").write_bytes(b"altered")
    assert main(["evaluate", "--model", str(folder), "--coco", str(coco)]) == 1
    assert "error: file_altered" in capsys.readouterr().err


@pytest.fixture
def comparing(coco: Path, tmp_path: Path) -> list[str]:
    """The words to measure a model that compares; no templates are there yet."""
    for i in range(4):
        image = traced()
        if i < 3:
            paint(image, i, left=CELL * i, top=CELL)
        write_image(coco / f"images/{i}.png", image)
    folder = write_pair(tmp_path / "fresh")
    return ["evaluate", "--model", str(folder), "--coco", str(coco)]


def test_templates_stand_beside_the_images(coco: Path, comparing: list[str]) -> None:
    (coco / "templates").mkdir()
    for i in range(4):
        write_image(coco / f"templates/{i}.png", traced())
    assert main(comparing) == 0


@pytest.mark.parametrize("wrong", ["absent", "another board", "another shape"])
def test_a_template_that_cannot_be_used_is_named(
    coco: Path, comparing: list[str], capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    (coco / "templates").mkdir()
    for i in range(4):
        write_image(coco / f"templates/{i}.png", traced())
    path = coco / "templates/2.png"
    if wrong == "absent":
        path.unlink()
    else:
        write_image(path, board(640, 640 if wrong == "another board" else 320))
    assert main(comparing) == 1
    said = capsys.readouterr().err
    code = "template_missing" if wrong == "absent" else "template_mismatch"
    assert f"error: {code}" in said
    assert str(path) in said


def test_an_unreadable_image_is_named(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (coco / "images/2.png").write_text("no picture")
    assert main(["evaluate", "--model", "toy", "--coco", str(coco)]) == 1
    captured = capsys.readouterr()
    assert "2.png: not a JPEG" in captured.err
    assert captured.out == ""


def test_a_set_without_any_box_is_refused(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco / "annotations.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": []}))
    assert main(["evaluate", "--model", "toy", "--coco", str(coco)]) == 1
    assert "no image has a box" in capsys.readouterr().err


def test_a_box_without_end_is_refused(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = coco / "annotations.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["bbox"] = [0, 0, 1e308, 1e308]
    path.write_text(json.dumps(content))
    assert main(["evaluate", "--model", "toy", "--coco", str(coco)]) == 1
    assert "annotations[0]: bbox (0, 0, 1e+308, 1e+308)" in capsys.readouterr().err


def test_a_class_name_in_the_table_cannot_move_the_cursor() -> None:
    found = evaluate_detections([], [], ["a\x1b[2J"])
    assert as_text(found).endswith(r"  a\x1b[2J")
