from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from inference_worker.engine.coco import read_coco
from inference_worker.engine.errors import DatasetError, LeadsOut
from tests.training.datasets.folders import picture, turned_jpeg, write_image

CLASSES = ("open", "short")


def write(folder: Path, **changes: Any) -> Path:
    (folder / "images").mkdir()
    (folder / "images" / "a.png").touch()
    content = {
        "categories": [{"id": 7, "name": "short"}, {"id": 8, "name": "dust"}],
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"image_id": 1, "category_id": 7, "bbox": [10, 20, 30, 40]}],
    } | changes
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def annotation(**changes: Any) -> list[dict[str, Any]]:
    return [{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]} | changes]


def test_boxes_are_corners_and_classes_go_by_name(tmp_path: Path) -> None:
    (sample,) = read_coco(write(tmp_path), CLASSES)
    assert sample.truth.boxes.tolist() == [[10, 20, 40, 60]]
    assert sample.truth.class_ids.tolist() == [CLASSES.index("short")]
    assert sample.path == tmp_path / "images" / "a.png"
    assert sample.template == tmp_path / "templates" / "a.png"


def test_an_image_without_boxes_is_a_sample_too(tmp_path: Path) -> None:
    (sample,) = read_coco(write(tmp_path, annotations=[]), CLASSES)
    assert len(sample.truth) == 0


def test_a_crowd_is_left_out(tmp_path: Path) -> None:
    (sample,) = read_coco(write(tmp_path, annotations=annotation(iscrowd=1)), CLASSES)
    assert len(sample.truth) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": None}, "expected a list of images"),
        ({"annotations": {}}, "expected a list of annotations"),
        ({"categories": [3]}, r"categories\[0\] is not an object"),
        ({"categories": [{"id": 7}]}, r"categories\[0\]: name is missing"),
        ({"images": [{"id": 1}]}, r"images\[0\]: file_name is missing"),
        ({"images": [{"id": 1, "file_name": "b.png"}]}, r"b\.png does not exist"),
        ({"images": [{"id": 1, "file_name": "../x"}]}, "leads out of images/"),
        ({"images": [{"id": 1, "file_name": "/etc/x"}]}, "leads out of images/"),
        ({"annotations": annotation(image_id=2)}, r"annotations\[0\]: image_id 2"),
        ({"annotations": annotation(category_id=9)}, "category_id 9 names nothing"),
        ({"annotations": annotation(category_id=8)}, "the model knows no 'dust'"),
        ({"annotations": annotation(bbox=[1, 2, 3])}, "four numbers"),
        ({"annotations": annotation(bbox=[1, 2, 3, "4"])}, "four numbers"),
        ({"annotations": annotation(bbox=[1, 2, 3, float("nan")])}, "four numbers"),
        ({"annotations": annotation(bbox=[1, 2, 0, 4])}, "0 wide"),
        ({"annotations": annotation(bbox=[1, 2, 1e308, 4])}, r"1e\+308, 4\) lies on"),
        ({"annotations": annotation(bbox=[10**308] * 4)}, "lies on no image"),
        ({"annotations": annotation(bbox=[1, 2, -1e999, 4])}, "four numbers"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        read_coco(write(tmp_path, **changes), CLASSES)


@pytest.mark.parametrize(
    ("text", "words"), [("{", "is not JSON"), ("[]", "expected an object")]
)
def test_a_file_that_is_not_coco_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(DatasetError, match=words):
        read_coco(tmp_path, CLASSES)


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"annotations\.json does not exist"):
        read_coco(tmp_path, CLASSES)


@pytest.mark.parametrize(
    ("bbox", "words"),
    [
        ([60, 2, 5, 5], r"annotations\[0\]: .*outside the 60 x 40 image, .*a\.png"),
        ([1, -9, 5, 9], "outside the 60 x 40 image"),
        ([1, 1, 181, 5], "more than 3 times as large as the 60 x 40 image"),
    ],
)
def test_a_box_that_its_image_has_no_place_for_is_refused(
    tmp_path: Path, bbox: list[int], words: str
) -> None:
    write(tmp_path, annotations=annotation(bbox=bbox))
    write_image(tmp_path / "images" / "a.png", picture())
    with pytest.raises(DatasetError, match=words):
        read_coco(tmp_path, CLASSES)


def test_a_box_is_judged_on_the_image_as_its_exif_turns_it(tmp_path: Path) -> None:
    write(tmp_path, images=[{"id": 1, "file_name": "a.jpg"}])
    (tmp_path / "images" / "a.jpg").write_bytes(turned_jpeg(picture(), 6))
    path = tmp_path / "annotations.json"
    content = json.loads(path.read_text())
    path.write_text(
        json.dumps(content | {"annotations": annotation(bbox=[1, 50, 9, 9])})
    )
    assert len(read_coco(tmp_path, CLASSES)) == 1
    path.write_text(
        json.dumps(content | {"annotations": annotation(bbox=[50, 1, 9, 9])})
    )
    with pytest.raises(DatasetError, match="outside the 40 x 60 image"):
        read_coco(tmp_path, CLASSES)


def test_a_box_that_sticks_out_stays_as_it_was_drawn(tmp_path: Path) -> None:
    write(tmp_path, annotations=annotation(bbox=[50, 30, 20, 20]))
    write_image(tmp_path / "images" / "a.png", picture())
    (sample,) = read_coco(tmp_path, CLASSES)
    assert sample.truth.boxes.tolist() == [[50, 30, 70, 50]]


def test_annotations_that_are_no_plain_file_of_the_folder_are_refused(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path)
    path = folder / "annotations.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DatasetError, match="not a plain file"):
        read_coco(folder, CLASSES)
    for target in ("/dev/zero", "/etc/hostname"):
        path.unlink()
        path.symlink_to(target)
        with pytest.raises(LeadsOut, match="leads out of the folder"):
            read_coco(folder, CLASSES)
