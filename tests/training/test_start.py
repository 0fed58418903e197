"""What a training begins with, and what its version is called."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

import shutil
from pathlib import Path

import pytest

from inference_worker.adoption import adopt
from inference_worker.commands.models import SHIPPED
from inference_worker.engine.errors import DatasetError, EngineMissing, FileAltered
from inference_worker.training.naming import named
from inference_worker.training.recipe import Beginning
from inference_worker.training.settings import Settings
from inference_worker.training.start import (
    Start,
    beginning_of,
    classes_of,
    find_start,
)


@pytest.fixture(autouse=True)
def nothing_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "var"))


def start(name: str, **more: object) -> Start | None:
    return find_start(Settings(out=Path(), start=name, **more))  # type: ignore[arg-type]


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings(out=tmp_path / "out", **more)  # type: ignore[arg-type]


def test_nothing_means_chance() -> None:
    assert start("nothing") is None
    assert beginning_of(None) is Beginning.CHANCE


def test_by_default_the_latest_shipped_model_lends_its_layers() -> None:
    found = start("")
    assert found is not None
    folders = (SHIPPED / "pcb-defects").iterdir()
    latest = max(folders, key=lambda folder: int(folder.name))
    assert found.model == (latest / "model.onnx").read_bytes()
    assert not found.named
    assert beginning_of(found) is Beginning.LENT
    assert classes_of(found, ("b", "a")) == ("b", "a")


def test_by_default_templates_begin_with_the_model_that_sees_them() -> None:
    found = start("", template=True)
    assert found is not None
    assert str(found) == "pcb-defects-template@1"


@pytest.mark.parametrize(
    "name", ["pcb-defects@3", "pcb-defects", str(SHIPPED / "pcb-defects" / "3")]
)
def test_a_named_model_keeps_its_classes_first_and_its_sizes(name: str) -> None:
    found = start(name)
    assert found is not None
    assert found.named
    assert str(found) == "pcb-defects@3"
    assert beginning_of(found) is Beginning.MORE
    old = found.manifest.classes
    assert classes_of(found, ("scratch", *reversed(old))) == (*old, "scratch")
    assert found.size_for(480, 600) == 640
    assert found.size_for(3000, 4000) == 1024


def test_an_adopted_version_is_taken_before_a_shipped_one(tmp_path: Path) -> None:
    source = tmp_path / "source" / "pcb-defects" / "1"
    shutil.copytree(SHIPPED / "pcb-defects" / "1", source)
    adopt(tmp_path / "source", tmp_path / "var")
    assert str(start("pcb-defects")) == "pcb-defects@1"
    assert str(start("pcb-defects@2")) == "pcb-defects@2"


@pytest.mark.parametrize("name", ["castings", "pcb-defects@99", "./no/folder"])
def test_a_model_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(EngineMissing, match=name.strip("./").split("@")[0]):
        start(name)


def test_a_damaged_model_is_not_begun_with(tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED / "pcb-defects" / "2", tmp_path / "copy")
    model = folder / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(FileAltered):
        start(str(folder))


@pytest.mark.parametrize(
    ("folder", "model"),
    [
        ("Line 4 (Housings)", "line-4-housings"),
        ("--x__", "x"),
        ("\u94f8\u4ef6", "detector"),
        ("a" * 80, "a" * 64),
    ],
)
def test_a_new_model_is_called_like_its_folder(
    tmp_path: Path, folder: str, model: str
) -> None:
    found = named(settings(tmp_path, data=tmp_path / folder), None)
    assert (found.model, found.version, found.release_seq) == (model, "1", 1)


def test_a_named_beginning_is_followed_by_its_next_version(tmp_path: Path) -> None:
    found = named(settings(tmp_path, data=tmp_path / "new"), start("pcb-defects@2"))
    assert (found.model, found.version, found.release_seq) == ("pcb-defects", "3", 3)


def test_a_beginning_by_default_is_not_followed(tmp_path: Path) -> None:
    found = named(settings(tmp_path, data=tmp_path / "castings"), start(""))
    assert (found.model, found.version) == ("castings", "1")


def test_names_that_are_given_stay(tmp_path: Path) -> None:
    told = settings(tmp_path, model="x", version="2026.1", release_seq=9)
    assert named(told, start("pcb-defects@2")) == told


@pytest.mark.parametrize(
    ("told", "option"),
    [({"model": "No Spaces"}, "--model"), ({"version": "../2"}, "--version")],
)
def test_a_name_that_could_be_no_path_is_refused(
    tmp_path: Path, told: dict[str, str], option: str
) -> None:
    with pytest.raises(DatasetError, match=option):
        named(settings(tmp_path, **told), None)
