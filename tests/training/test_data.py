"""Reading and drawing training data; needs no torch."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.types import Detections
from inference_worker.training.data import (
    LabelledImages,
    coco_folder,
    drawn_boards,
)


def write_folder(folder: Path, names: tuple[str, ...] = ("scratch", "dent")) -> Path:
    (folder / "images").mkdir(parents=True)
    cv2.imwrite(str(folder / "images" / "a.png"), np.full((100, 200, 3), 9, np.uint8))
    raw = {
        "images": [{"id": 5, "file_name": "a.png", "width": 200, "height": 100}],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(names)],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 2, "bbox": [20, 10, 40, 30]}
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(raw))
    return folder


def test_a_folder_is_scaled_into_a_grey_square(tmp_path: Path) -> None:
    data = coco_folder(write_folder(tmp_path), size=64)
    assert data.classes == ("scratch", "dent")
    assert data.images.shape == (1, 64, 64, 3)
    assert data.images[0, 40, 10, 0] == 114
    assert data.images[0, 10, 10, 0] == 9
    np.testing.assert_allclose(data.truth[0].boxes, [[6.4, 3.2, 19.2, 12.8]], rtol=1e-6)
    assert data.truth[0].class_ids.tolist() == [1]


def test_labels_follow_the_order_that_is_asked_for(tmp_path: Path) -> None:
    data = coco_folder(write_folder(tmp_path), 64, classes=("dent", "scratch"))
    assert data.truth[0].class_ids.tolist() == [0]


@pytest.mark.parametrize("spoil", ["annotations.json", "images/a.png"])
def test_a_damaged_folder_is_named(tmp_path: Path, spoil: str) -> None:
    folder = write_folder(tmp_path)
    (folder / spoil).write_text("{")
    with pytest.raises(DatasetError, match=str(folder)):
        coco_folder(folder)


def test_drawing_depends_on_seed_and_index_only() -> None:
    three, two = drawn_boards(3, seed=4, size=256), drawn_boards(2, seed=4, size=256)
    assert np.array_equal(three.images[:2], two.images)
    assert not np.array_equal(two.images, drawn_boards(2, seed=5, size=256).images)


def test_a_split_loses_and_shares_nothing() -> None:
    images = np.arange(10 * 3, dtype=np.uint8).reshape(10, 1, 1, 3)
    data = LabelledImages(images, [Detections.empty()] * 10, ("dent",))
    training, held = data.split(0.2, seed=1)
    assert (len(training.truth), len(held.truth)) == (8, 2)
    sums = sorted(
        int(image.sum()) for part in (training, held) for image in part.images
    )
    assert sums == sorted(int(image.sum()) for image in data.images)
