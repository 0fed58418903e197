"""What can be wrong in an XML or a text label; the image is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import read_folder
from tests.training.datasets import folders
from tests.training.datasets.folders import voc_xml

BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<annotation><filename>a.png</filename><object><name>&b;</name></object></annotation>"""
OUTSIDE = """<!DOCTYPE x SYSTEM "file:///etc/passwd"><annotation/>"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_xml_that_declares_a_document_type_is_refused(
    tmp_path: Path, text: str
) -> None:
    folders.voc(tmp_path)
    (tmp_path / "Annotations" / "a.xml").write_text(text)
    with pytest.raises(DatasetError, match=r"Annotations/a\.xml: .*DOCTYPE"):
        read_folder(tmp_path)
    listing = read_folder(tmp_path, skip_broken=True)
    assert [one.path.name for one in listing.samples] == ["b.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<annotation>", r"Annotations/a\.xml: not readable as XML"),
        ("", r"Annotations/a\.xml: not readable as XML"),
        (voc_xml("../a.png"), r"Annotations/a\.xml: .*leads out"),
        (voc_xml("b.png"), r"b\.png: Annotations/b\.xml labels it a second time"),
        (voc_xml("a.png", ("", 1, 1, 2, 2)), r"a\.png: .*object 1: name is missing"),
        (voc_xml("a.png", ("x", "", 1, 2, 2)), r"a\.png: .*is not four numbers"),
        (voc_xml("a.png", ("x", "nan", 1, 2, 2)), r"a\.png: .*has no end"),
        (voc_xml("a.png", ("x", "-inf", 1, 9, 9)), r"a\.png: .*has no end"),
        (voc_xml("a.png", ("x", 1, 1, 181, 9)), r"a\.png: .*3 times as large"),
        (voc_xml("a.png", ("x" * 101, 1, 1, 9, 9)), r"a\.png: .*has 101 characters"),
        (voc_xml("a.png").replace("60", "9" * 5000), r"a\.png: .*size is .{,80}$"),
        (voc_xml("a.png", ("x", 9, 1, 2, 2)), r"a\.png: .*object 1.*has no area"),
        (voc_xml("a.png", ("x", 99, 1, 199, 2)), r"a\.png: .*outside the 60 x 40"),
        (voc_xml("a.png").replace("60", "50"), r"a\.png: the labels say 50 x 40"),
        (voc_xml("a.png").replace("60", "wide"), r"a\.png: .*size is .wide x 40"),
    ],
)
def test_a_bad_voc_label_names_its_image(tmp_path: Path, text: str, words: str) -> None:
    folders.voc(tmp_path)
    (tmp_path / "Annotations" / "a.xml").write_text(text)
    with pytest.raises(DatasetError, match=words):
        read_folder(tmp_path)


def test_a_voc_image_that_is_not_there_is_named(tmp_path: Path) -> None:
    folders.voc(tmp_path)
    (tmp_path / "JPEGImages" / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"\n  a\.png: there is no such image"):
        read_folder(tmp_path)


def test_a_size_of_zero_is_not_a_claim(tmp_path: Path) -> None:
    xml = folders.voc(tmp_path) / "Annotations" / "a.xml"
    text = xml.read_text().replace("<width>60", "<width>0")
    xml.write_text(text.replace("<height>40", "<height>0"))
    assert len(read_folder(tmp_path).samples) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2 0.5 0.5 0.1 0.1", r"line 1: class '2' is none of 0 to 1"),
        ("-1 0.5 0.5 0.1 0.1", r"class '-1' is none"),
        ("dent 0.5 0.5 0.1 0.1", r"class 'dent' is none"),
        ("\n0 0.5 0.5 0.1", r"line 2: 3 numbers after the class"),
        ("0 0.5 0.5 0.1 0.1 0.9", r"5 numbers after the class"),
        ("0 0.5 0.5 0.1 x", r"'x' is not a number"),
        ("0 0.5 0.5 0.1 inf", r"'inf' is not a number"),
        ("0 0.5 0.5 0 0.1", r"has no area"),
        ("0 1.5 0.5 0.1 0.1", r"lies outside"),
        ("0 0 0 1e308 1e308", r"box -inf, -inf to inf, inf has no end"),
        ("0 0 0 1e30 1e30", r"3e\+31, 2e\+31 is more than 3 times as large"),
        ("0000000009 0.5 0.5 0.1 0.1", r"class '0000000009' is none"),
        (f"{'9' * 5000} 0.5 0.5 0.1 0.1", r"class '9{59}\.\.\. is none"),
        (f"0 0.5 0.5 0.1 {'9' * 5000}", r"'9{59}\.\.\. is not a number"),
    ],
)
def test_a_bad_yolo_line_names_its_image_and_line(
    tmp_path: Path, text: str, words: str
) -> None:
    folders.yolo(tmp_path)
    (tmp_path / "labels" / "a.txt").write_text(text)
    with pytest.raises(DatasetError, match=rf"\n  a\.png: labels/a\.txt.*{words}"):
        read_folder(tmp_path)


def test_a_class_number_may_begin_with_any_count_of_zeros(tmp_path: Path) -> None:
    folders.yolo(tmp_path)
    (tmp_path / "labels" / "a.txt").write_text(f"{'0' * 5000}1 0.5 0.5 0.5 0.25")
    listing = read_folder(tmp_path)
    assert listing.samples[0].class_ids.tolist() == [1]


def test_labels_in_another_encoding_are_named(tmp_path: Path) -> None:
    folders.yolo(tmp_path)
    (tmp_path / "labels" / "a.txt").write_bytes(b"\xff\xfe0\x00")
    with pytest.raises(DatasetError, match=r"a\.png: labels/a\.txt is not UTF-8"):
        read_folder(tmp_path)


def test_a_yolo_label_without_image_is_named(tmp_path: Path) -> None:
    folders.yolo(tmp_path)
    (tmp_path / "labels" / "lost.txt").write_text("0 0.5 0.5 0.1 0.1")
    with pytest.raises(DatasetError, match=r"labels/lost\.txt: images/ has no image"):
        read_folder(tmp_path)
    assert len(read_folder(tmp_path, skip_broken=True).samples) == 3
