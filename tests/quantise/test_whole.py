"""The command, from labelled images to a version that runs in int8."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from inference_worker.commands.models import SHIPPED
from inference_worker.engine.api import load_folder
from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import EngineMissing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.store import next_version, open_folder
from inference_worker.quantise.drawn import write_boards
from inference_worker.quantise.rules import faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MODEL = "pcb-defects"
OLD = SHIPPED / MODEL / "2"
LAST = max(
    (open_folder(folder).manifest for folder in (SHIPPED / MODEL).iterdir()),
    key=lambda manifest: manifest.release_seq,
)
NEXT = next_version(LAST.version)


@dataclass(frozen=True)
class Made:
    """A version, where a run was killed at work before: `left` is what lay there
    then, and `second` what another run was told meanwhile.
    """

    boards: Path
    version: Path
    said: str
    left: set[str]
    second: str


NOWHERE = {**os.environ, "CAUSELINE_DATA": "/nonexistent"}
COMMAND = (sys.executable, "-m", "inference_worker", "quantise")


def quantise(*words: object) -> subprocess.CompletedProcess[str]:
    """With an empty data folder: nothing was adopted."""
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=NOWHERE
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("quantise")
    boards = write_boards(root / "boards", 24, seed=11)
    out = root / MODEL / NEXT
    words = ("--model", OLD, "--coco", boards, "--accept-drop", "--out", out)
    with subprocess.Popen([*COMMAND, *map(str, words)], env=NOWHERE) as first:
        while not (out.parent / f".{NEXT}.work" / "draft").exists():
            assert first.poll() is None
        second = quantise(*words)
        first.kill()
    assert second.returncode == 1
    left = {str(path.relative_to(out.parent)) for path in out.parent.glob("*/*")}
    done = quantise(*words)
    assert done.returncode == 0, done.stderr
    return Made(boards, Path(done.stdout.strip()), done.stderr, left, second.stderr)


def test_a_second_run_on_the_same_folder_is_refused(made: Made) -> None:
    assert "another run is at work on" in made.second
    assert "--out" in made.second


def test_a_run_that_was_killed_leaves_no_version_and_is_cleaned_up(made: Made) -> None:
    assert made.left == {f".{NEXT}.work/draft", f".{NEXT}.work/scratch"}
    names = {path.name for path in made.version.parent.iterdir()}
    assert names == {NEXT}


def test_the_next_version_holds_the_float_file_unchanged(made: Made) -> None:
    data = (made.version / "manifest.json").read_bytes()
    manifest = Manifest.parse(data)
    old = Manifest.parse((OLD / "manifest.json").read_bytes())
    assert (manifest.version, manifest.release_seq) == (NEXT, LAST.release_seq + 1)
    assert manifest.files["model.onnx"] == old.files["model.onnx"]
    pin = old.files["model.onnx"].sha256
    assert manifest.raw["previous"] == {"version": "2", "sha256": pin}
    assert set(manifest.files) == {"model.onnx", "model.int8.onnx", "card.md"}
    assert manifest.threshold == old.threshold


def test_the_file_obeys_the_rules_and_is_a_third_of_the_size(made: Made) -> None:
    path = made.version / "model.int8.onnx"
    assert faults(onnx.load(path)) == []
    assert path.stat().st_size < (made.version / "model.onnx").stat().st_size / 3


def test_openvino_takes_it_by_itself_and_finds_what_float_finds(made: Made) -> None:
    usual = load_folder(made.version)
    floats = load_folder(made.version, precision="f32")
    assert (usual.precision, floats.precision) == ("int8", "f32")
    images = [decode_file(p) for p in sorted((made.boards / "images").iterdir())[:6]]
    counts = [
        [len(one) for one in detector.infer(images)] for detector in (usual, floats)
    ]
    assert sum(counts[1]) > 12
    assert np.abs(np.subtract(*counts)).sum() <= 3


def test_onnx_runtime_takes_it_when_asked(made: Made) -> None:
    assert load_folder(made.version, backend="onnxruntime").precision == "f32"
    asked = load_folder(made.version, backend="onnxruntime", precision="int8")
    assert asked.precision == "int8"
    image = decode_file(min((made.boards / "images").iterdir()))
    assert len(asked.infer([image])) == 1


def test_an_environment_that_asks_for_a_float_gets_it(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", "f32")
    assert load_folder(made.version).precision == "f32"


def test_a_version_without_int8_says_how_to_make_one() -> None:
    with pytest.raises(EngineMissing, match="has no int8") as refused:
        load_folder(OLD, precision="int8")
    assert "quantise" in refused.value.hint


def test_the_card_sets_all_three_methods_against_float(made: Made) -> None:
    text = (made.version / "card.md").read_text()
    assert text.startswith(f"# pcb-defects {NEXT}\n")
    for row in ("float", "entropy", "percentile", "minmax"):
        assert f"| {row} | 0." in text
    assert "Only 12 images; 100" in text
    assert "Only 12 images to measure on: the figures are rough." in text
    assert re.search(r"\| minmax \| 0\.\d+, F 0\.\d+ .* of AP@0\.5 \|", text)
    assert "only 12 images" in made.said


def test_a_drop_is_refused_and_nothing_is_written(made: Made, tmp_path: Path) -> None:
    """Ranges measured on black images fit nothing."""
    dark = tmp_path / "dark"
    shutil.copytree(made.boards, dark)
    for path in (dark / "images").iterdir():
        assert cv2.imwrite(str(path), np.zeros((640, 640, 3), np.uint8))
    done = quantise(
        *("--model", OLD, "--coco", dark, "--held", made.boards),
        *("--images", 8, "--out", tmp_path / MODEL / NEXT),
    )
    assert done.returncode == 1
    assert "nothing is written" in done.stderr
    assert "--accept-drop" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["dark"]


def test_a_folder_that_holds_a_version_is_refused(made: Made) -> None:
    done = quantise("--model", OLD, "--coco", made.boards, "--out", made.version)
    assert done.returncode == 1
    assert "versions never change" in done.stderr


def test_a_folder_that_is_not_empty_is_left_alone(made: Made, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("mine")
    done = quantise("--model", OLD, "--coco", made.boards, "--out", tmp_path)
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert (tmp_path / "card.md").read_text() == "mine"


def test_a_place_that_cannot_be_written_to_is_told_at_once(
    made: Made, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / NEXT
    done = quantise("--model", OLD, "--coco", made.boards, "--out", out)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Not a directory" in done.stderr


def test_what_has_int8_is_not_quantised_again(made: Made, tmp_path: Path) -> None:
    done = quantise(
        *(
            "--model",
            made.version,
            "--coco",
            made.boards,
            "--out",
            tmp_path / MODEL / NEXT,
        )
    )
    assert done.returncode == 1
    assert "has int8 already" in done.stderr


def test_a_model_that_finds_nothing_has_nothing_to_lose(
    made: Made, tmp_path: Path
) -> None:
    """Labels of other images: float is blind on them, and int8 would pass."""
    wrong = tmp_path / "wrong"
    shutil.copytree(made.boards, wrong)
    content = json.loads((wrong / "annotations.json").read_text())
    names = [one["file_name"] for one in content["images"]]
    for one, name in zip(content["images"], names[1:] + names[:1], strict=True):
        one["file_name"] = name
    (wrong / "annotations.json").write_text(json.dumps(content))
    done = quantise("--model", OLD, "--coco", wrong, "--out", tmp_path / MODEL / NEXT)
    assert done.returncode == 1
    assert "a loss could not be seen" in done.stderr


def test_too_few_images_are_refused(made: Made, tmp_path: Path) -> None:
    content = json.loads((made.boards / "annotations.json").read_text())
    few = tmp_path / "few"
    shutil.copytree(made.boards, few)
    content["images"] = content["images"][:1]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] == 0]
    (few / "annotations.json").write_text(json.dumps(content))
    done = quantise("--model", OLD, "--coco", few, "--out", tmp_path / MODEL / NEXT)
    assert done.returncode == 1
    assert "too few labelled images" in done.stderr


def test_broken_images_are_named_before_any_work(made: Made, tmp_path: Path) -> None:
    """Those for the ranges and those to measure on, all at once."""
    broken = tmp_path / "broken"
    shutil.copytree(made.boards, broken)
    paths = sorted((broken / "images").iterdir())
    for path in paths[3:20:8]:
        path.write_bytes(path.read_bytes()[:5000])
    done = quantise("--model", OLD, "--coco", broken, "--out", tmp_path / MODEL / NEXT)
    assert done.returncode == 1
    assert "3 images cannot be used" in done.stderr
    assert all(str(path) in done.stderr for path in paths[3:20:8])
    assert "mAP" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_copies_of_an_image_do_not_measure_what_it_gave_ranges_for(
    made: Made, tmp_path: Path
) -> None:
    """Four boards, six times each."""
    copies = tmp_path / "copies"
    shutil.copytree(made.boards, copies)
    content = json.loads((copies / "annotations.json").read_text())
    names = [one["file_name"] for one in content["images"]]
    for i, name in enumerate(names[4:]):
        shutil.copyfile(copies / "images" / names[i % 4], copies / "images" / name)
    content["annotations"] = [
        {**one, "image_id": image, "id": 100 * image + place}
        for image in range(len(names))
        for place, one in enumerate(
            a for a in content["annotations"] if a["image_id"] == image % 4
        )
    ]
    (copies / "annotations.json").write_text(json.dumps(content))
    done = quantise("--model", OLD, "--coco", copies, "--out", tmp_path / MODEL / NEXT)
    assert done.returncode == 1
    assert "too few labelled images" in done.stderr
