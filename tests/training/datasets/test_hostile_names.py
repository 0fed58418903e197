"""Names and lists of names that somebody made to do harm."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import read_folder, report
from inference_worker.training.datasets.names import names_in_lines, names_in_yaml
from inference_worker.training.datasets.records import Remark
from tests.training.datasets import folders
from tests.training.datasets.folders import put, voc_xml
from tests.training.datasets.harm import Write, coco, in_seconds, named_in_lines


def many_categories(folder: Path) -> Path:
    content = folders.coco(folder)
    names = [f"c{i}" for i in range(20_000)]
    content["categories"] = [{"id": i, "name": name} for i, name in enumerate(names)]
    return put(folder, content)


def many_names(folder: Path) -> Path:
    named_in_lines(folder)
    (folder / "classes.txt").write_text("".join(f"c{i}\n" for i in range(20_000)))
    return folder


def many_objects(folder: Path) -> Path:
    folders.voc(folder)
    objects = [(f"c{i}", 1, 1, 9, 9) for i in range(1001)]
    (folder / "Annotations" / "a.xml").write_text(voc_xml("a.png", *objects))
    return folder


@pytest.mark.parametrize("make", [many_categories, many_names, many_objects])
def test_a_folder_of_too_many_classes_is_refused(tmp_path: Path, make: Write) -> None:
    make(tmp_path)
    with pytest.raises(
        DatasetError, match=r"names (20,000|1,003) classes; at most 1,000"
    ):
        read_folder(tmp_path)


def test_a_thousand_classes_are_read(tmp_path: Path) -> None:
    content = folders.coco(tmp_path)
    content["categories"] = [{"id": i, "name": f"c{i}"} for i in range(1000)]
    assert len(read_folder(put(tmp_path, content)).classes) == 1000


HEADS = ("names: ", "names: [", "names: [a, ", "names: [a\n")
BITS = [*("'", '"', "''", '"\\"', '\\"', "\\'", "' ", '" ', " '", "'x',", "#'"), "#"]
BITS += [
    *(" #", "[", "[ ", "{", ", ", ": ", "- ", "a ", "a'", "\n", "b,\n", "'\n", "a: ")
]


@pytest.mark.parametrize("bit", BITS)
def test_reading_names_takes_time_in_proportion(bit: str) -> None:
    """The whole 1 MB that is allowed; what grows with the square takes hours."""
    for head in HEADS:
        text = (head + bit * 2**20)[: 2**20]
        with in_seconds(20), suppress(DatasetError):
            names_in_yaml(text, "data.yaml")


def test_twenty_thousand_names_in_lines_are_counted_at_once() -> None:
    start = time.perf_counter()
    refused(lambda: names_in_lines("\n".join(map(str, range(20_000))), "classes.txt"))
    assert time.perf_counter() - start < 5


def refused(read: Callable[[], object]) -> None:
    with pytest.raises(DatasetError):
        read()


BAD = {
    "a\udc80b": "cannot be seen",
    "a\x1b[31mb": "cannot be seen",
    " a": "begins or ends with a space",
    "a" * 101: "has 101 characters",
}


@pytest.mark.parametrize("name", BAD)
def test_coco_refuses_a_category_that_no_model_may_name(
    tmp_path: Path, name: str
) -> None:
    content = folders.coco(tmp_path)
    content["categories"][0]["name"] = name
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=rf"categories\[0\]: .* {BAD[name]}"):
        read_folder(tmp_path)


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a" * 101, "a\u202eb"])
def test_yolo_and_voc_refuse_such_a_name_too(tmp_path: Path, name: str) -> None:
    for text in (f"dent\n{name}", f"{name}\ndent\n"):
        refused(lambda text=text: names_in_lines(text, "classes.txt"))
        listed = json.dumps(text.split("\n"))
        refused(lambda listed=listed: names_in_yaml(f"names: {listed}", "data.yaml"))
    if "\x1b" not in name:
        folders.voc(tmp_path)
        xml = tmp_path / "Annotations" / "a.xml"
        xml.write_text(voc_xml("a.png", (name, 1, 1, 9, 9)))
        found = read_folder(tmp_path, skip_broken=True).remarks
        assert [one.code for one in found if one.fatal] == ["bad_class"]


def test_neither_the_report_nor_the_refusal_can_be_forged(tmp_path: Path) -> None:
    name = "a\n  b.png: fine\x1b[2J.png"
    folder = coco(tmp_path)
    content = json.loads((folder / "annotations.json").read_text())
    content["images"].append({"id": 9, "file_name": name})
    put(folder, content)
    with pytest.raises(DatasetError) as told:
        read_folder(folder)
    assert len(str(told.value).splitlines()) == 2
    assert r"a\n  b.png: fine\x1b[2J.png: there is no such" in str(told.value)
    lines = report([Remark(name, "no_boxes", "a\x07")]).splitlines()
    assert lines == ["no_boxes (1)", r"  a\n  b.png: fine\x1b[2J.png: a\x07"]
