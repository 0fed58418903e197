"""`evaluate` reads whatever training reads, with the same result and refusals."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from inference_worker.commands.main import main
from tests.engine.toy import CELL, CLASSES, toy_manifest, write_toy
from tests.inference_cli.conftest import write_image

ORDER = ["blue", "red", "green", "unused"]
"""Another than the model's: classes go by name."""


def yolo(coco: Path) -> Path:
    (coco / "labels").mkdir()
    for i, name in enumerate(CLASSES):
        height, width = cv2.imread(str(coco / f"images/{i}.png")).shape[:2]
        x, y = CELL * (i + 0.5) / width, CELL * 1.5 / height
        line = f"{ORDER.index(name)} {x} {y} {CELL / width} {CELL / height}\n"
        (coco / f"labels/{i}.txt").write_text(line)
    (coco / "classes.txt").write_text("\n".join(ORDER))
    (coco / "annotations.json").unlink()
    return coco


def voc(coco: Path) -> Path:
    (coco / "Annotations").mkdir()
    for i, name in enumerate([*CLASSES, None]):
        box = (CELL * i + 1, CELL + 1, CELL * (i + 1), 2 * CELL)
        sides = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        inside = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
        drawn = f"<object><name>{name}</name><bndbox>{inside}</bndbox></object>"
        text = f"<annotation>{drawn if name else ''}</annotation>"
        (coco / f"Annotations/{i}.xml").write_text(text)
    (coco / "annotations.json").unlink()
    return coco


def roboflow(coco: Path) -> Path:
    for path in list((coco / "images").iterdir()):
        path.rename(coco / path.name)
    (coco / "images").rmdir()
    (coco / "annotations.json").rename(coco / "_annotations.coco.json")
    return coco


def one_json(coco: Path) -> Path:
    (coco / "annotations").mkdir()
    (coco / "annotations.json").rename(coco / "annotations" / "test.json")
    return coco


MADE = [yolo, voc, roboflow, one_json]


def measured(
    folder: Path, capsys: pytest.CaptureFixture[str], model: str = "toy"
) -> dict[str, Any]:
    assert main(["evaluate", "--model", model, "--coco", str(folder), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("make", MADE)
def test_every_format_that_training_reads_gives_the_same_figures(
    coco: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], Path]
) -> None:
    as_agreed = measured(coco, capsys)
    assert as_agreed["map5095"] == 1.0
    assert measured(make(coco), capsys) == as_agreed


@pytest.mark.parametrize(
    ("make", "name", "text", "words"),
    [
        (yolo, "classes.txt", "mould\nred\ngreen", "the model knows no mould, only"),
        (yolo, "labels/1.txt", "0 3.5 0.5 0.1 0.1", "1.png: .*outside the"),
        (yolo, "labels/1.txt", "0 0 0 1e308 1e308", "1.png: .*has no end"),
        (voc, "Annotations/1.xml", "<annotation>", "1.xml: not readable as XML"),
        (voc, "images/1.png", "no picture", "1.png: not a JPEG"),
    ],
)
def test_what_training_refuses_is_refused(
    coco: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], Path],
    name: str,
    text: str,
    words: str,
) -> None:
    make(coco)
    (coco / name).write_text(text)
    assert main(["evaluate", "--model", "toy", "--coco", str(coco)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.search(words, captured.err)


def test_a_folder_as_agreed_stays_one_beside_other_labels(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = (coco / "annotations.json").read_bytes()
    yolo(coco)
    (coco / "annotations.json").write_bytes(kept)
    assert measured(coco, capsys)["map50"] == 1.0


def test_a_model_that_wants_templates_finds_them_by_name(
    coco: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = toy_manifest({})["input"] | {"channels": 6}
    model = str(write_toy(tmp_path / "fresh", input=spec))
    yolo(coco)
    assert main(["evaluate", "--model", model, "--coco", str(coco)]) == 1
    assert "0.png has no template" in capsys.readouterr().err
    (coco / "templates").symlink_to(coco / "images")
    assert measured(coco, capsys, model)["map50"] == 1.0


def test_remarks_go_to_the_log(
    coco: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("INFO")
    measured(yolo(coco), capsys)
    assert "no_boxes (1)" in caplog.text


def test_names_of_strangers_are_shown_without_their_escape_codes(
    coco: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = cv2.imread(str(coco / "images/0.png"))
    write_image(coco / "images/a\x1b[2J.png", image)
    (coco / "images/a\x1b[2J.png").write_bytes(b"broken")
    yolo(coco)
    assert main(["evaluate", "--model", "toy", "--coco", str(coco)]) == 1
    assert r"a\x1b[2J.png: not a JPEG" in capsys.readouterr().err


def test_evaluating_needs_neither_torch_nor_the_application() -> None:
    code = "import sys, inference_worker.commands.evaluate as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"django", "celery", "traceability", "torch", "onnx", "yaml"}
    assert heavy.isdisjoint(name.partition(".")[0] for name in loaded)
