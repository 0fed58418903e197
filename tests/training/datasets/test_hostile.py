"""Folders that somebody made to do harm."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from inference_worker.engine import coco_entries
from inference_worker.engine.errors import DatasetError, LeadsOut
from inference_worker.training.datasets import labels, read_folder, report, safe_xml
from inference_worker.training.datasets.names import names_in_lines, names_in_yaml
from inference_worker.training.datasets.records import Remark
from tests.training.datasets import folders
from tests.training.datasets.folders import picture, put, voc_xml, write_image

SECRET = "1 secret words that are nobody's business"


def coco(folder: Path) -> Path:
    return put(folder, folders.coco(folder))


def named_in_lines(folder: Path) -> Path:
    folders.yolo(folder)
    (folder / "data.yaml").unlink()
    (folder / "classes.txt").write_text("dent\nscratch\n")
    return folder


Write = Callable[[Path], Path]
LABELS: list[tuple[Write, str]] = [
    (coco, "annotations.json"),
    (folders.voc, "Annotations/a.xml"),
    (folders.yolo, "labels/a.txt"),
    (folders.yolo, "data.yaml"),
    (named_in_lines, "classes.txt"),
]


@contextmanager
def in_seconds(most: int) -> Iterator[None]:
    """What waits for a pipe or for all of a device would wait for ever."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"took longer than {most} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(most)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("make", "name"), LABELS)
def test_a_label_that_is_a_pipe_is_refused_and_not_waited_for(
    tmp_path: Path, make: Write, name: str
) -> None:
    path = make(tmp_path) / name
    path.unlink()
    os.mkfifo(path)
    with (
        in_seconds(20),
        pytest.raises(DatasetError, match=rf"{path.name} is not a plain file"),
    ):
        read_folder(tmp_path)


@pytest.mark.parametrize("target", ["/dev/zero", "secret.txt"])
@pytest.mark.parametrize(("make", "name"), LABELS)
def test_a_label_that_leads_out_is_refused_and_not_quoted(
    tmp_path: Path, make: Write, name: str, target: str
) -> None:
    (tmp_path / "secret.txt").write_text(SECRET)
    path = make(tmp_path / "set") / name
    path.unlink()
    path.symlink_to(tmp_path / target)
    with (
        in_seconds(20),
        pytest.raises(DatasetError, match="link that leads out of the folder") as told,
    ):
        read_folder(tmp_path / "set")
    assert "secret words" not in str(told.value)


def test_labels_in_a_linked_folder_lead_out_and_cost_their_images_only(
    tmp_path: Path,
) -> None:
    folder = folders.yolo(tmp_path / "set")
    (folder / "labels" / "sub").rename(tmp_path / "elsewhere")
    (folder / "labels" / "b.txt").symlink_to(tmp_path / "elsewhere" / "b.txt")
    write_image(folder / "images" / "b.png", picture(9))
    found = read_folder(folder, skip_broken=True)
    assert [one.code for one in found.remarks if one.fatal] == ["leads_out"]
    assert len(found.samples) == 3


def test_a_link_inside_the_folder_is_fine(tmp_path: Path) -> None:
    folder = folders.yolo(tmp_path)
    (folder / "labels" / "a.txt").rename(folder / "first.txt")
    (folder / "labels" / "a.txt").symlink_to(folder / "first.txt")
    assert len(read_folder(folder).samples) == 3


def test_images_behind_links_are_used_and_noted_once(tmp_path: Path) -> None:
    folder = coco(tmp_path / "set")
    for name in ("a.png", "b.png"):
        path = folder / "images" / name
        path.rename(tmp_path / name)
        path.symlink_to(tmp_path / name)
    listing = read_folder(folder)
    assert len(listing.samples) == 2
    (remark,) = (one for one in listing.remarks if one.code == "linked_image")
    assert remark.file == ""
    assert "images/a.png lies outside the folder" in remark.text
    assert "and 1 more" in remark.text


def test_images_in_the_folder_are_not_called_linked(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(coco(tmp_path / "set"))
    codes = {one.code for one in read_folder(link).remarks}
    assert "linked_image" not in codes


@pytest.mark.parametrize(
    ("make", "name", "module"),
    [
        (coco, "annotations.json", coco_entries),
        (folders.voc, "Annotations/a.xml", safe_xml),
    ],
)
def test_a_label_file_too_large_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Write,
    name: str,
    module: object,
) -> None:
    path = make(tmp_path) / name
    path.write_bytes(path.read_bytes() + b" " * 2**20)
    read_folder(tmp_path)
    monkeypatch.setattr(module, "MAX_BYTES", 2**20)
    with pytest.raises(DatasetError, match=rf"{path.name} is larger than 1 MB"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("make", "name", "most"),
    [(folders.yolo, "data.yaml", 1), (named_in_lines, "classes.txt", 1)]
    + [(folders.yolo, "labels/a.txt", 4)],
)
def test_a_text_too_large_is_refused(
    tmp_path: Path, make: Write, name: str, most: int
) -> None:
    path = make(tmp_path) / name
    path.write_text(path.read_text() + "\n" * (most * 2**20))
    with pytest.raises(DatasetError, match=rf"{path.name} is larger than {most} MB"):
        read_folder(tmp_path)


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


def test_faults_of_one_file_are_counted_up_to_a_limit(tmp_path: Path) -> None:
    folder = folders.yolo(tmp_path)
    (folder / "labels" / "a.txt").write_text("x\n" * 50_000)
    remarks = read_folder(folder, skip_broken=True).remarks
    assert sum(one.fatal for one in remarks) == labels.MOST_A_FILE


def test_leading_out_is_a_refusal_of_the_folder_too() -> None:
    assert issubclass(LeadsOut, DatasetError)
