"""The command line: what it means, and what it refuses before any training."""

from __future__ import annotations

import argparse
import builtins
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference_worker.training import command
from inference_worker.training.settings import Settings
from tests.services import training_packages
from tests.training import easy
from tests.training.datasets.folders import coco, put, write_image


def parsed(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


EVERYTHING = Settings(
    out=Path("out folder"),
    data=Path("data"),
    drawn=7,
    planted=8,
    template=True,
    start="pcb-defects@2",
    replay=Path("old"),
    replay_share=0.25,
    golden=Path("golden"),
    test=Path("test"),
    accept_drop=True,
    skip_broken=True,
    fresh=True,
    no_turn=True,
    no_mirror=True,
    epochs=3,
    batch=4,
    size=96,
    learning_rate=0.001,
    held_share=0.3,
    minutes=1.5,
    checkpoint_seconds=0.0,
    seed=5,
    model="castings",
    version="7",
    release_seq=12,
    device="cpu",
)
HELD = replace(EVERYTHING, held=Path("held"), held_share=None)
"""Instead of a share."""


def test_every_setting_can_be_said_on_the_command_line() -> None:
    training_packages()
    from inference_worker.training.seeds import arguments

    usual = Settings(out=Path("x"))
    for name in (field.name for field in fields(Settings)):
        assert {getattr(usual, name)} != {getattr(s, name) for s in (EVERYTHING, HELD)}
    for settings in (usual, EVERYTHING, HELD):
        found = vars(parsed(*arguments(settings)))
        said = {field.name: found[field.name] for field in fields(Settings)}
        assert Settings(**said) == settings


@pytest.mark.parametrize(
    "words",
    [
        ("--epochs", 0),
        ("--batch", -1),
        ("--drawn", 0),
        ("--minutes", 0),
        ("--learning-rate", -0.1),
        ("--learning-rate", "nan"),
        ("--held-share", 1),
        ("--replay-share", 0),
        ("--replay-share", 1.0),
        ("--checkpoint-seconds", -1),
        ("--seed", -1),
        ("--seeds", 0),
        ("--size", "large"),
    ],
    ids=lambda words: "=".join(map(str, words)),
)
def test_a_number_that_makes_no_sense_is_refused_by_name(
    words: tuple[object, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*words)
    assert caught.value.code == 2
    assert str(words[0]) in capsys.readouterr().err


def test_without_torch_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "inference_worker.training.run":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert command.run(parsed("--drawn", 8)) == 1
    assert "requirements-train.txt" in capsys.readouterr().err


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """What the command says to stderr when it refuses, with nothing left behind."""
    training_packages()

    def say(*words: object) -> str:
        out = tmp_path / "out"
        there = sorted(out.iterdir()) if out.exists() else []
        line = ("--from", "nothing", "--device", "cpu", "--out", out, *words)
        assert command.run(parsed(*line)) == 1
        assert (sorted(out.iterdir()) if out.exists() else []) == there
        told = capsys.readouterr()
        assert told.out == ""
        return told.err

    return say


def test_a_folder_that_is_not_there_is_named(refused: Any, tmp_path: Path) -> None:
    assert "nowhere" in refused("--coco", tmp_path / "nowhere")


def test_a_folder_is_needed_or_boards_to_draw(refused: Any) -> None:
    said = refused()
    assert "--coco FOLDER" in said
    assert "--drawn" in said


def test_a_folder_with_a_version_is_not_written_over(
    refused: Any, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text("{}")
    assert "holds a version already" in refused("--coco", easy.folder(tmp_path, 6))


def test_a_place_that_cannot_be_written_to_is_named(
    refused: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    data = easy.folder(tmp_path / "easy", 6)
    assert "--out" in refused("--coco", data, "--out", tmp_path / "file" / "out")


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_named(
    refused: Any, tmp_path: Path, device: str
) -> None:
    data = easy.folder(tmp_path / "easy", 6)
    assert f"--device {device}" in refused("--coco", data, "--device", device)


def test_old_data_needs_a_model_that_goes_on(refused: Any, tmp_path: Path) -> None:
    data = easy.folder(tmp_path / "easy", 6)
    assert "--from MODEL" in refused("--coco", data, "--replay", data)


def test_a_test_folder_shows_nothing_that_is_not_learnt(
    refused: Any, tmp_path: Path
) -> None:
    data = easy.folder(tmp_path / "easy", 8)
    other = easy.folder(tmp_path / "other", 4, ("bright",), seed=1)
    said = refused("--coco", data, "--test", other, "--size", 64)
    assert "does not learn bright" in said


def test_boxes_that_cannot_be_held_back_are_spoken_of(
    refused: Any, tmp_path: Path
) -> None:
    """All of them lie on one image: nothing could be measured."""
    content = coco(tmp_path / "one", tuple(f"{name}.png" for name in "abcdefgh"))
    content["annotations"] = content["annotations"][:1]
    said = refused("--coco", put(tmp_path / "one", content), "--size", 64)
    assert "held back" in said


def broken(folder: Path) -> Path:
    """Eight images, of which five cannot be used for five reasons."""
    content = coco(folder, tuple(f"{name}.png" for name in "abcdefgh"))
    (folder / "images" / "a.png").unlink()
    content["annotations"][1]["bbox"] = [70, 5, 20, 10]
    content["annotations"][2]["category_id"] = 77
    (folder / "images" / "d.png").write_bytes(b"no picture")
    write_image(folder / "images" / "e.png", np.zeros((9, 9, 3), np.uint8))
    return put(folder, content)


def test_a_broken_folder_is_reported_file_by_file(refused: Any, tmp_path: Path) -> None:
    said = refused("--coco", broken(tmp_path / "data"), "--size", 64)
    for name in "abcde":
        (line,) = [text for text in said.splitlines() if f"{name}.png:" in text]
        assert line.split(":", 1)[1].strip()
    assert not any(f"{name}.png:" in said for name in "fgh")
    assert "--skip-broken" in said


def test_broken_images_can_be_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training_packages()
    from inference_worker.training.material import gather

    settings = Settings(
        out=tmp_path, data=broken(tmp_path / "data"), size=64, skip_broken=True
    )
    material = gather(settings, None)
    assert len(material.sets[0][0]) + len(material.held) == 3
    said = capsys.readouterr().err
    assert all(f"{name}.png" in said for name in "abcde")


def test_trainings_side_by_side_say_which_of_them_failed(
    refused: Any, tmp_path: Path
) -> None:
    """Each has a log of its own."""
    training_packages()
    out = tmp_path / "several"
    words = ["--coco", tmp_path / "nowhere", "--seeds", 2, "--seed", 3, "--out", out]
    said = refused(*words)
    assert "seeds 3, 4 failed" in said
    assert "nowhere" in (out / "seed-4.log").read_text()
