"""What a quantised version is called, and where it may lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.store import open_folder
from inference_worker.quantise.naming import Name, elsewhere, named_by, next_name
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
    assert next_name(old(stores), "", stores) == Name("9", 5)
    assert next_name(old(stores), "1-int8", stores) == Name("1-int8", 5)
    assert next_name(old(stores), "", []) == Name("2", 2)


def test_another_models_versions_do_not_count(stores: list[Path]) -> None:
    assert next_name(replace(old(stores), model="other"), "", stores) == Name("2", 2)


def test_a_broken_version_counts_by_its_name(stores: list[Path]) -> None:
    (stores[1] / "toy/8/manifest.json").write_text("{}")
    assert next_name(old(stores), "", stores).version == "9"


@pytest.mark.parametrize("told", ["1", "7", "8", "a/b", "."])
def test_names_that_are_there_or_cannot_be_are_refused(
    stores: list[Path], told: str
) -> None:
    with pytest.raises(DatasetError, match="--version"):
        next_name(old(stores), told, stores)


def test_a_folder_of_the_model_names_the_version(tmp_path: Path) -> None:
    assert named_by(tmp_path / "toy" / "9", "toy") == "9"
    assert named_by(tmp_path / "toy" / "my version", "toy") == ""
    assert named_by(tmp_path / "out", "toy") == ""


def test_where_adopting_would_not_look_it_is_told(tmp_path: Path) -> None:
    assert elsewhere(tmp_path / "toy" / "3", "toy", "3") == ""
    for out in ("toy/4", "other/3", "out"):
        assert "a folder toy/3 only" in elsewhere(tmp_path / out, "toy", "3")
