"""The drawn benchmark sets: folders the product can read, the same from one seed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.detector.unlike.folder import write_sets
from benchmarks.detector.unlike.sets import SETS
from inference_worker.engine.coco import read_coco
from inference_worker.engine.decode import decode_file

SHARE = 0.01


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unlike")
    write_sets(folder, list(SETS.values()), seed=3, share=SHARE, workers=2)
    return folder


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("part", ["train", "test"])
def test_the_product_reads_every_image_and_every_box_lies_inside(
    drawn: Path, name: str, part: str
) -> None:
    samples = read_coco(drawn / name / part, SETS[name].classes)
    count = getattr(SETS[name], part)
    assert len(samples) == max(1, round(count * SHARE))
    for sample in samples:
        height, width = decode_file(sample.path).shape[:2]
        assert (sample.truth.boxes >= 0).all()
        assert (sample.truth.boxes <= [width, height, width, height]).all()


def test_boxes_are_as_large_and_as_many_as_each_set_promises(drawn: Path) -> None:
    def shares(name: str) -> np.ndarray:
        """Of the photo's area, one for each box."""
        content = json.loads((drawn / name / "train" / "annotations.json").read_text())
        areas = {one["id"]: one["width"] * one["height"] for one in content["images"]}
        return np.array(
            [one["area"] / areas[one["image_id"]] for one in content["annotations"]]
        )

    assert shares("labels").min() > 0.3
    assert shares("castings").max() < 0.003
    assert len(shares("castings")) >= 20 * 2
    assert 1 <= len(shares("steel")) / 14 <= 6


@pytest.mark.parametrize("name", SETS)
def test_a_seed_gives_the_same_photo_again_and_another_seed_another(name: str) -> None:
    first, again, other = (
        SETS[name].draw(np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.image, again.image)
    assert first.annotations() == again.annotations()
    assert first.image.shape != other.image.shape or (first.image != other.image).any()


def test_training_and_test_photos_differ(drawn: Path) -> None:
    one, other = (
        cv2.imread(str(drawn / "steel" / part / "images" / "steel00000.jpg"))
        for part in ("train", "test")
    )
    assert (one != other).any()
