"""Each format as its tools write it, and what is refused as a whole."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import Listing, read_folder
from tests.training.datasets import folders
from tests.training.datasets.folders import picture, put, write_image


def codes(listing: Listing, but: tuple[str, ...] = ("rare_class",)) -> set[str]:
    return {remark.code for remark in listing.remarks} - set(but)


def test_coco_keeps_the_order_of_file_and_categories(tmp_path: Path) -> None:
    listing = read_folder(put(tmp_path, folders.coco(tmp_path)))
    assert listing.classes == ("dent", "scratch")
    assert [one.path.name for one in listing.samples] == ["a.png", "b.png"]
    first = listing.samples[0]
    assert first.boxes.tolist() == [[10, 5, 30, 15]]
    assert first.boxes.dtype == "float32"
    assert first.class_ids.tolist() == [1]
    assert first.class_ids.dtype == "int64"
    assert (first.width, first.height, first.grey, first.template) == (
        60,
        40,
        False,
        None,
    )
    assert codes(listing) == set()


@pytest.mark.parametrize("name", ["_annotations.coco.json", "annotations/x.json"])
def test_coco_lies_where_other_tools_put_it(tmp_path: Path, name: str) -> None:
    content = folders.coco(tmp_path)
    if name.startswith("_"):
        for image in (tmp_path / "images").iterdir():
            image.rename(tmp_path / image.name)
        (tmp_path / "images").rmdir()
    assert len(read_folder(put(tmp_path, content, name)).samples) == 2


def test_names_with_spaces_accents_and_folders_are_found(tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "café 图片.png")
    content = folders.coco(tmp_path, (composed, "line 1/b (2).png", "c.png"))
    content["images"][0]["file_name"] = unicodedata.normalize("NFD", composed)
    content["images"][1]["file_name"] = "line 1\\b (2).png"
    content["images"][2]["file_name"] = "images/c.png"
    found = [one.path.name for one in read_folder(put(tmp_path, content)).samples]
    assert found == [composed, "b (2).png", "c.png"]


def test_a_byte_order_mark_before_the_json_is_fine(tmp_path: Path) -> None:
    path = put(tmp_path, folders.coco(tmp_path)) / "annotations.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b", ", b",\r\n"))
    assert len(read_folder(tmp_path).samples) == 2


def test_a_placeholder_category_is_kept_out(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    content["categories"] = [
        {"id": 0, "name": "defects", "supercategory": "none"},
        {"id": 1, "name": "scratch", "supercategory": "defects"},
    ]
    assert read_folder(put(tmp_path, content)).classes == ("scratch",)
    assert read_folder(tmp_path, classes=["open"]).classes == ("open", "scratch")


def test_an_unused_category_stays_where_there_is_no_placeholder(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    for entry in content["categories"]:
        entry["supercategory"] = entry["name"]
    assert read_folder(put(tmp_path, content)).classes == ("dent", "scratch")


def test_given_classes_come_first_and_new_ones_follow(tmp_path: Path) -> None:
    put(tmp_path, folders.coco(tmp_path))
    listing = read_folder(tmp_path, classes=["open", "scratch"])
    assert listing.classes == ("open", "scratch", "dent")
    assert listing.samples[0].class_ids.tolist() == [1]
    assert not any("open" in remark.text for remark in listing.remarks)


def test_voc_counts_from_one_and_keeps_difficult_boxes(tmp_path: Path) -> None:
    listing = read_folder(folders.voc(tmp_path))
    assert listing.classes == ("dent", "spot")
    assert listing.samples[0].boxes.tolist() == [[0, 0, 60, 40]]
    assert listing.samples[1].boxes.tolist() == [[10, 5, 11, 6], [1, 2, 20, 30]]
    assert listing.samples[1].class_ids.tolist() == [0, 1]
    assert codes(listing) == {"tiny_box"}


def test_voc_folders_have_any_case_and_images_may_lie_deeper(tmp_path: Path) -> None:
    folders.voc(tmp_path, "IMAGES", "ANNOTATIONS")
    (tmp_path / "IMAGES" / "spot").mkdir()
    (tmp_path / "IMAGES" / "a.png").rename(tmp_path / "IMAGES" / "spot" / "a.png")
    xml = tmp_path / "ANNOTATIONS" / "b.xml"
    xml.write_text(xml.read_text().replace("b.png", "b"))
    found = [one.path.name for one in read_folder(tmp_path).samples]
    assert found == ["a.png", "b.png"]


def test_yolo_boxes_and_polygons_become_pixels(tmp_path: Path) -> None:
    listing = read_folder(folders.yolo(tmp_path))
    assert listing.classes == ("dent", "scratch")
    by_name = {one.path.name: one for one in listing.samples}
    assert by_name["a.png"].boxes.tolist() == [[15, 15, 45, 25]]
    assert by_name["a.png"].class_ids.tolist() == [1]
    assert by_name["b.png"].boxes.tolist() == [[6, 4, 54, 30]]
    assert len(by_name["normal.png"].boxes) == 0
    assert codes(listing) == {"no_boxes"}


def test_yolo_takes_names_from_classes_txt(tmp_path: Path) -> None:
    folders.yolo(tmp_path)
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "classes.txt").write_bytes("\ufeff凹痕\r\nscratch\r\n\r\n".encode())
    assert read_folder(tmp_path).classes == ("凹痕", "scratch")


def test_a_folder_without_labels_says_what_was_looked_for(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.png", picture())
    with pytest.raises(DatasetError, match="holds no labels") as caught:
        read_folder(tmp_path)
    for words in ("annotations.json", "Annotations/*.xml", "labels/*.txt"):
        assert words in caught.value.hint


def test_labels_one_folder_down_are_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    folders.yolo(tmp_path / "train")
    with pytest.raises(DatasetError, match=r"but train/ would do"):
        read_folder(tmp_path)


def test_two_kinds_of_labels_are_refused_by_name(tmp_path: Path) -> None:
    put(tmp_path, folders.coco(tmp_path))
    folders.yolo(tmp_path)
    with pytest.raises(DatasetError, match=r"annotations\.json and labels"):
        read_folder(tmp_path)


def test_two_coco_files_are_refused_by_name(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    put(tmp_path, content, "annotations/train.json")
    put(tmp_path, content, "annotations/val.json")
    with pytest.raises(DatasetError, match=r"train\.json and annotations/val\.json"):
        read_folder(tmp_path)


def test_a_path_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_yolo_without_class_names_asks_for_them(tmp_path: Path) -> None:
    folders.yolo(tmp_path)
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(DatasetError, match="does not name its classes") as caught:
        read_folder(tmp_path)
    assert "classes.txt" in caught.value.hint


def test_a_folder_without_any_box_is_refused(tmp_path: Path) -> None:
    content = folders.coco(tmp_path) | {"annotations": []}
    with pytest.raises(DatasetError, match="no image has a box"):
        read_folder(put(tmp_path, content))


def test_images_behind_a_link_are_found_and_a_name_too_long_is_not(
    tmp_path: Path,
) -> None:
    content = folders.coco(tmp_path, ("a.png", "linked/b.png"))
    images = tmp_path / "images"
    (images / "linked").rename(tmp_path / "elsewhere")
    (images / "linked").symlink_to(tmp_path / "elsewhere")
    assert len(read_folder(put(tmp_path, content)).samples) == 2
    content["images"].append({"id": 9, "file_name": "x" * 999})
    with pytest.raises(DatasetError, match="xxx: there is no such image"):
        read_folder(put(tmp_path, content))
