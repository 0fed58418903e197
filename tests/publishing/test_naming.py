"""What a new version is called, and where it may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference_worker.commands.main import main
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.store import open_folder
from inference_worker.naming import Name, elsewhere, named_by, next_name, taken
from tests.engine.toy import write_toy


@pytest.fixture
def stores(tmp_path: Path) -> list[Path]:
    """One with toy 1 and 7, one with toy 8 and the model of another name."""
    first, second = tmp_path / "first", tmp_path / "second"
    write_toy(first)
    write_toy(first, version="7", release_seq=4)
    write_toy(second, version="8", release_seq=3)
    (second / "toy/30").mkdir()  # no version
    return [first, second, tmp_path / "gone"]


def old(stores: list[Path]) -> Manifest:
    return open_folder(stores[0] / "toy/1").manifest


def test_it_follows_the_latest_release_and_takes_no_name_twice(
    stores: list[Path],
) -> None:
    """7 was released last, 8 is taken."""
    assert next_name("toy", "", stores) == Name("9", 5)
    assert next_name("toy", "1-int8", stores) == Name("1-int8", 5)
    assert next_name("toy", "", [], old(stores)) == Name("2", 2)
    assert next_name("toy", "", stores, old(stores)) == Name("9", 5)


def test_the_first_of_its_name_is_called_1(tmp_path: Path) -> None:
    assert next_name("toy", "", [tmp_path]) == Name("1", 1)
    assert next_name("toy", "2026.1", [tmp_path]) == Name("2026.1", 1)


def test_another_models_versions_do_not_count(stores: list[Path]) -> None:
    """But what a version of another name was made from may number it."""
    assert next_name("other", "", stores) == Name("1", 1)
    assert next_name("other", "", stores, old(stores)) == Name("2", 2)
    assert taken("other", stores, old(stores)) == set()


def test_a_broken_version_counts_by_its_name(stores: list[Path]) -> None:
    (stores[1] / "toy/8/manifest.json").write_text("{}")
    assert next_name("toy", "", stores).version == "9"
    assert taken("toy", stores) == {"1", "7", "8"}


@pytest.mark.parametrize("told", ["a/b", "."])
def test_names_that_cannot_be_are_refused(stores: list[Path], told: str) -> None:
    with pytest.raises(DatasetError, match="--version") as caught:
        next_name("toy", told, stores)
    assert "--version 2" in caught.value.hint


def test_a_folder_of_the_model_names_the_version(tmp_path: Path) -> None:
    assert named_by(tmp_path / "toy" / "9", "toy") == "9"
    assert named_by(tmp_path / "toy" / "my version", "toy") == ""
    assert named_by(tmp_path / "out", "toy") == ""


def test_where_adopting_would_not_look_it_is_told(tmp_path: Path) -> None:
    assert elsewhere(tmp_path / "toy" / "3", "toy", "3") == ""
    for out in ("toy/4", "other/3", "out"):
        assert "a folder toy/3 only" in elsewhere(tmp_path / out, "toy", "3")


def test_quantise_gives_no_name_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said before it looks at the images, which are not there."""
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "var"))
    folder, out = write_toy(tmp_path / "old"), tmp_path / "toy" / "2"
    words = ["--model", folder, "--coco", "nowhere", "--version", "1", "--out", out]
    assert main(["quantise", *map(str, words)]) == 1
    assert "--version 1: toy has it already" in capsys.readouterr().err
