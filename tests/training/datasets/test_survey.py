"""Every broken file is named, every odd one noted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import Listing, Remark, read_folder, report
from tests.training.datasets import folders
from tests.training.datasets.folders import picture, put, turned_jpeg, write_image

Content = dict[str, Any]


def annotated(**changes: Any) -> Callable[[Content, Path], None]:
    return lambda content, _: content["annotations"][0].update(changes)


def imaged(**changes: Any) -> Callable[[Content, Path], None]:
    return lambda content, _: content["images"][0].update(changes)


def missing(_: Content, folder: Path) -> None:
    (folder / "images" / "a.png").unlink()


def truncated(_: Content, folder: Path) -> None:
    path = folder / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:-60])


def twice(content: Content, _: Path) -> None:
    content["images"].append(content["images"][0] | {"id": 9})


def one_id(content: Content, _: Path) -> None:
    content["images"][0]["id"] = content["images"][1]["id"]


BROKEN = [
    (missing, "missing_image", "no such image"),
    (truncated, "image_unreadable", "cut short"),
    (imaged(width=61), "size_differs", "61 x 40, the image is 60 x 40"),
    (imaged(width="60"), "bad_label", "must be numbers"),
    (twice, "duplicate", "a second time"),
    (one_id, "duplicate", "is there twice"),
    (annotated(category_id=7), "unknown_class", "category_id 7 names nothing"),
    (annotated(bbox=[1, 2, 3]), "bad_box", "four numbers"),
    (annotated(bbox=[1, 2, 3, float("nan")]), "bad_box", "four numbers"),
    (annotated(bbox=[1, 2, 3, 10**400]), "bad_box", "four numbers"),
    (annotated(bbox=[10**308] * 4), "bad_box", "1e\\+308.* lies on no image"),
    (annotated(bbox=[1, 2, 1e308, 4]), "bad_box", "1e\\+308.* lies on no image"),
    (annotated(bbox=[1, 2, 181, 4]), "bad_box", "3 times as large as the 60 x 40"),
    (imaged(width=10**308), "size_differs", "say 1e\\+308 x 40"),
    (annotated(bbox=[1, 2, 0, 4]), "bad_box", "0 wide"),
    (annotated(bbox=[60, 2, 5, 5]), "box_outside", "outside the 60 x 40 image"),
    (annotated(bbox=[-9, 2, 9, 5]), "box_outside", "outside the 60 x 40 image"),
]


@pytest.mark.parametrize(("spoil", "code", "words"), BROKEN)
def test_a_broken_image_is_named_and_can_be_left_out(
    tmp_path: Path, spoil: Callable[[Content, Path], None], code: str, words: str
) -> None:
    content = folders.coco(tmp_path, ("a.png", "b.png", "c.png"))
    spoil(content, tmp_path)
    put(tmp_path, content)
    with pytest.raises(DatasetError, match=rf"(?s)\n  a\.png: .*{words}") as caught:
        read_folder(tmp_path)
    assert "--skip-broken" in caught.value.hint
    listing = read_folder(tmp_path, skip_broken=True)
    left = {one.path.name for one in listing.samples}
    assert "a.png" not in left
    assert "c.png" in left
    assert code in {one.code for one in listing.remarks if one.fatal}


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/a.png", "x\\..\\..\\a.png", "C:\\a"]
)
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    content = folders.coco(tmp_path / "set")
    write_image(tmp_path / "a.png", picture())
    content["images"][0]["file_name"] = name
    with pytest.raises(DatasetError, match="leads out of images/"):
        read_folder(put(tmp_path / "set", content))


def test_everything_is_collected_before_anything_is_raised(tmp_path: Path) -> None:
    content = folders.coco(tmp_path, ("a.png", "b.png", "c.png"))
    annotated(bbox=[])(content, tmp_path)
    missing(content, tmp_path)
    (tmp_path / "images" / "b.png").write_text("text")
    content["annotations"].append({"image_id": 77, "category_id": 1, "bbox": [1] * 4})
    with pytest.raises(DatasetError) as caught:
        read_folder(put(tmp_path, content))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("3 files cannot be used")
    assert [line.partition(":")[0].strip() for line in lines[1:]] == [
        "a.png",
        "annotations.json",
        "b.png",
    ]


def test_a_long_list_ends_with_how_many_more(tmp_path: Path) -> None:
    content = folders.coco(tmp_path, ("a.png",))
    content["images"] += [{"id": i, "file_name": f"{i}.png"} for i in range(100, 160)]
    with pytest.raises(DatasetError, match=r"and 10 more$") as caught:
        read_folder(put(tmp_path, content))
    assert len(str(caught.value).splitlines()) == 52


def noted(listing: Listing) -> dict[str, Remark]:
    assert not any(remark.fatal for remark in listing.remarks)
    return {remark.code: remark for remark in listing.remarks}


def test_a_box_that_sticks_out_is_cut_and_said_by_how_much(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    annotated(bbox=[50, 30, 22.5, 10])(content, tmp_path)
    listing = read_folder(put(tmp_path, content))
    assert listing.samples[0].boxes.tolist() == [[50, 30, 60, 40]]
    remark = noted(listing)["box_cut"]
    assert remark.file == "a.png"
    assert "sticks out by 12.5 px" in remark.text


def test_less_than_half_a_pixel_is_cut_without_a_word(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    annotated(bbox=[50, 30, 10.4, 10])(content, tmp_path)
    listing = read_folder(put(tmp_path, content))
    assert listing.samples[0].boxes[0, 2] == 60
    assert "box_cut" not in noted(listing)


def test_what_decoding_changes_is_noted(tmp_path: Path) -> None:
    content = folders.coco(tmp_path, ("a.png", "b.png", "c.jpg", "d.png"))
    images = tmp_path / "images"
    write_image(images / "a.png", picture(1)[..., 0].astype(np.uint16) * 257)
    write_image(images / "b.png", np.dstack([picture(2), picture(3)[..., :1]]))
    inks = np.ascontiguousarray(np.dstack([picture(4), picture(5)[..., :1]]))
    (images / "c.jpg").write_bytes(simplejpeg.encode_jpeg(inks, colorspace="CMYK"))
    listing = read_folder(put(tmp_path, content))
    changed = {
        remark.file: remark.code
        for remark in listing.remarks
        if remark.code in ("sixteen_bit", "alpha", "cmyk")
    }
    assert changed == {"a.png": "sixteen_bit", "b.png": "alpha", "c.jpg": "cmyk"}
    assert [one.grey for one in listing.samples] == [True, False, False, False]
    assert decode_file(listing.samples[0].path)[..., 0].tolist() == (
        picture(1)[..., 0].tolist()
    )


def test_a_colour_file_with_equal_channels_is_grey(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    write_image(tmp_path / "images" / "a.png", np.dstack([picture()[..., 0]] * 3))
    almost = np.dstack([picture()[..., 0]] * 3)
    almost[3, 3, 0] ^= 1
    write_image(tmp_path / "images" / "b.png", almost)
    listing = read_folder(put(tmp_path, content))
    assert [one.grey for one in listing.samples] == [True, False]


def test_black_and_white_with_nothing_between_has_two_levels(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    scan = np.where(picture()[..., 0] > 127, 255, 0).astype(np.uint8)
    write_image(tmp_path / "images" / "a.png", scan)
    almost = scan.copy()
    almost[3, 3] = 254
    write_image(tmp_path / "images" / "b.png", almost)
    listing = read_folder(put(tmp_path, content))
    assert [one.two_levels for one in listing.samples] == [True, False]


def test_a_turned_jpeg_is_measured_upright(tmp_path: Path) -> None:
    content = folders.coco(tmp_path, ("a.jpg", "b.jpg"))
    (tmp_path / "images" / "a.jpg").write_bytes(turned_jpeg(picture(), 6))
    imaged(width=40, height=60)(content, tmp_path)
    sample = read_folder(put(tmp_path, content)).samples[0]
    assert (sample.width, sample.height) == (40, 60)
    assert decode_file(sample.path).shape == (60, 40, 3)


def test_labels_for_the_unturned_jpeg_are_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    content = folders.coco(tmp_path, ("a.jpg", "b.jpg"))
    (tmp_path / "images" / "a.jpg").write_bytes(turned_jpeg(picture(), 6))
    with pytest.raises(DatasetError, match=r"a\.jpg: .*turned as its EXIF asks"):
        read_folder(put(tmp_path, content))


def test_mixed_sizes_are_one_remark(tmp_path: Path) -> None:
    content = folders.coco(tmp_path, ("a.png", "b.png", "c.png"))
    write_image(tmp_path / "images" / "a.png", picture(0, 100, 30))
    imaged(width=100, height=30)(content, tmp_path)
    remark = noted(read_folder(put(tmp_path, content)))["mixed_sizes"]
    assert remark.file == ""
    assert remark.text == "2 sizes: 60 to 100 pixels wide, 30 to 40 high"


def test_copies_tiny_boxes_rare_classes_and_strangers_are_noted(
    tmp_path: Path,
) -> None:
    content = folders.coco(tmp_path, ("a.png", "b.png"))
    images = tmp_path / "images"
    (images / "b.png").write_bytes((images / "a.png").read_bytes())
    write_image(images / "stranger.png", picture(7))
    annotated(bbox=[1, 1, 2.5, 9])(content, tmp_path)
    content["annotations"].append(content["annotations"][1] | {"iscrowd": 1})
    found = noted(read_folder(put(tmp_path, content)))
    assert found["same_image"].file == "b.png"
    assert found["same_image"].text == "the same file as a.png, labelled otherwise"
    assert "less than 3 px" in found["tiny_box"].text
    assert found["unlisted_image"].file == "stranger.png"
    assert "left out" in found["crowd"].text
    assert "'scratch' has 2 boxes" in found["rare_class"].text


def test_templates_are_paired_by_name_and_must_fit(tmp_path: Path) -> None:
    content = folders.coco(tmp_path, ("a.png", "b.png", "sub/c.png", "d.png"))
    golden = tmp_path / "templates"
    write_image(golden / "a.png", picture(9, 30, 30))
    write_image(golden / "sub" / "c.png", picture(8))
    (golden / "d.png").write_bytes(b"")
    listing = read_folder(put(tmp_path, content))
    templates = [one.template for one in listing.samples]
    assert templates == [None, None, golden / "sub" / "c.png", None]
    said = {one.file: one.code for one in listing.remarks if "template" in one.code}
    assert said == {
        "a.png": "template_size",
        "b.png": "template_missing",
        "d.png": "template_unreadable",
    }


def test_a_folder_without_templates_says_nothing_of_them(tmp_path: Path) -> None:
    listing = read_folder(put(tmp_path, folders.coco(tmp_path)))
    assert not any("template" in remark.code for remark in listing.remarks)


def test_the_report_groups_by_code_and_ends_long_lists() -> None:
    remarks = [Remark(f"{i}.png", "no_boxes", "normal") for i in range(13)]
    remarks += [Remark("", "mixed_sizes", "2 sizes"), Remark("x", "bad_box", "y", True)]
    lines = report(remarks).splitlines()
    assert lines[0] == "left out: bad_box (1)"
    assert lines[2:4] == ["mixed_sizes (1)", "  2 sizes"]
    assert lines[4] == "no_boxes (13)"
    assert lines[-1] == "and 3 more"
    assert report([]) == ""
