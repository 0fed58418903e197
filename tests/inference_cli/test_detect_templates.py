"""`detect --template`: a real model that sees the difference to a golden image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference_worker.commands.main import main
from tests.engine.toy import board
from tests.engine.toy_pair import printed, write_pair
from tests.inference_cli.conftest import write_image

RED, GREEN = (0, 64, 96), (1, 320, 320)


@pytest.fixture(autouse=True)
def pair(shipped: Path) -> Path:
    return write_pair(shipped)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two photos, each with a red and a green square."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        write_image(folder / name, printed(RED, GREEN))
    return folder


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """The template of a shows its red square, that of b its green one."""
    folder = tmp_path / "templates"
    folder.mkdir()
    write_image(folder / "a.png", printed(RED))
    write_image(folder / "b.png", printed(GREEN))
    return folder


def detect(
    capsys: pytest.CaptureFixture[str], *words: Any, code: int = 0
) -> list[list[str]]:
    words = ("detect", "--model", "toy-pair", *words, "--json")
    assert main([str(word) for word in words]) == code
    rows = json.loads(capsys.readouterr().out)
    return [[row["file_name"], row["category"]] for row in rows]


def test_a_folder_holds_the_template_of_each_image(images, golden, capsys) -> None:
    found = detect(capsys, images, "--template", golden)
    assert found == [["a.png", "green"], ["b.png", "red"]]


def test_a_file_is_the_template_of_all(images, golden, capsys) -> None:
    found = detect(capsys, images, "--template", golden / "a.png")
    assert found == [["a.png", "green"], ["b.png", "green"]]


def test_without_a_template_nothing_is_inspected_and_the_option_is_named(
    images, capsys
) -> None:
    assert main(["detect", "--model", "toy-pair", str(images)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: template_missing" in said.err
    assert "--template" in said.err


def test_a_path_without_templates_is_named(images, tmp_path, capsys) -> None:
    words = ["detect", "--model", "toy-pair", str(images), "--template"]
    assert main([*words, str(tmp_path / "nowhere")]) == 1
    assert "nowhere: no template there" in capsys.readouterr().err


def test_an_image_without_its_template_is_reported_and_the_others_inspected(
    images, golden, capsys
) -> None:
    (golden / "a.png").unlink()
    words = ["detect", "--model", "toy-pair", str(images), "--json"]
    assert main([*words, "--template", str(golden)]) == 1
    said = capsys.readouterr()
    assert [row["file_name"] for row in json.loads(said.out)] == ["b.png"]
    assert "template_missing" in said.err
    assert "a.png" in said.err


@pytest.mark.parametrize("broken", ["damaged", "wide", "blank"])
def test_a_template_that_cannot_be_used_is_reported(
    images, golden, capsys, broken
) -> None:
    if broken != "damaged":
        write_image(golden / "a.png", board(320 if broken == "wide" else 640, 640))
    else:
        (golden / "a.png").write_bytes(b"no picture")
    words = ["detect", "--model", "toy-pair", str(images), "--json"]
    assert main([*words, "--template", str(golden)]) == 1
    said = capsys.readouterr()
    assert [row["file_name"] for row in json.loads(said.out)] == ["b.png"]
    assert "error: template_mismatch" in said.err
    assert "a.png" in said.err


def test_a_template_of_another_size_is_scaled(images, tmp_path, capsys) -> None:
    small = printed((0, 64, 96))[::2, ::2]
    path = write_image(tmp_path / "half.png", small)
    found = detect(capsys, images / "a.png", "--template", path)
    assert found == [["a.png", "green"]]


def test_a_model_that_does_not_compare_says_that_it_ignores_it(
    images, golden, capsys, caplog
) -> None:
    (golden / "a.png").write_bytes(b"no picture")
    words = ["detect", "--model", "toy", str(images / "a.png"), "--json"]
    assert main([*words, "--template", str(golden)]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert "compares with no template" in caplog.text
