"""Images that cannot be used are named before any work, all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_worker.engine.coco import Sample, read_coco
from inference_worker.engine.errors import DatasetError
from inference_worker.quantise.checking import check_usable
from inference_worker.quantise.drawn import write_boards
from traceability.demo.boards import CLASSES


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_boards(tmp_path_factory.mktemp("boards") / "drawn", 6, seed=5)


@pytest.fixture
def samples(boards: Path) -> list[Sample]:
    return read_coco(boards, CLASSES)


def refused(folder: Path, samples: list[Sample], templates: bool = False) -> str:
    with pytest.raises(DatasetError) as caught:
        check_usable(folder, samples, templates)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize("templates", [False, True])
def test_whole_images_pass(
    boards: Path, samples: list[Sample], templates: bool
) -> None:
    check_usable(boards, samples, templates)


def test_every_broken_image_is_named(
    boards: Path, samples: list[Sample], tmp_path: Path
) -> None:
    data = samples[0].path.read_bytes()
    for name, content in (("cut.png", data[: len(data) // 2]), ("text.png", b"text")):
        (tmp_path / name).write_bytes(content)
        samples.append(replace(samples[0], path=tmp_path / name))
    samples.append(replace(samples[0], path=tmp_path / "gone.png"))
    said = refused(boards, samples).splitlines()
    assert said[0] == f"{boards}: 3 images cannot be used"
    for line, name in zip(said[1:], ("cut.png", "text.png", "gone.png"), strict=True):
        assert line.startswith(f"  {tmp_path / name}: ")
        assert line.partition(": ")[2]


def test_templates_are_looked_at_where_the_model_sees_them(
    boards: Path, samples: list[Sample], tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes(samples[1].template.read_bytes()[:900])
    assert cv2.imwrite(str(tmp_path / "wide.png"), np.zeros((64, 200, 3), np.uint8))
    for i, path in enumerate((tmp_path / "cut.png", tmp_path / "wide.png")):
        samples[i] = replace(samples[i], template=path)
    samples[2] = replace(samples[2], template=tmp_path / "gone.png")
    check_usable(boards, samples, templates=False)
    said = refused(boards, samples, templates=True).splitlines()[1:]
    assert "cut.png" in said[0]
    assert "wide.png: the template has 200 x 64 pixels" in said[1]
    assert "gone.png" in said[2]
    assert len(said) == 3
