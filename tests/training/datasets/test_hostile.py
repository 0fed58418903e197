"""Folders that somebody made to do harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inference_worker.engine import coco_entries
from inference_worker.engine.errors import DatasetError, LeadsOut
from inference_worker.training.datasets import labels, read_folder, safe_xml
from tests.training.datasets import folders
from tests.training.datasets.folders import picture, write_image
from tests.training.datasets.harm import Write, coco, in_seconds, named_in_lines

SECRET = "1 secret words that are nobody's business"


LABELS: list[tuple[Write, str]] = [
    (coco, "annotations.json"),
    (folders.voc, "Annotations/a.xml"),
    (folders.yolo, "labels/a.txt"),
    (folders.yolo, "data.yaml"),
    (named_in_lines, "classes.txt"),
]


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


def test_faults_of_one_file_are_counted_up_to_a_limit(tmp_path: Path) -> None:
    folder = folders.yolo(tmp_path)
    (folder / "labels" / "a.txt").write_text("x\n" * 50_000)
    remarks = read_folder(folder, skip_broken=True).remarks
    assert sum(one.fatal for one in remarks) == labels.MOST_A_FILE


def test_leading_out_is_a_refusal_of_the_folder_too() -> None:
    assert issubclass(LeadsOut, DatasetError)
