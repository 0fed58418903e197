from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from inference_worker.engine.adoption import Adopted, adopt
from inference_worker.engine.errors import (
    EngineConflict,
    EngineMissing,
    FileAltered,
    ManifestError,
)
from inference_worker.engine.store import open_signed
from tests.engine.toy import write_toy


def tree(folder: Path) -> dict[str, str]:
    """Every file with its hash, hidden ones and locks among them."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_copy_holds_the_same_files_and_names_the_sites_key(
    released: Path, tmp_path: Path
) -> None:
    before = tree(released)
    assert adopt(released, tmp_path / "var") == [Adopted("toy", "1", fresh=True)]
    mine = open_signed(tmp_path / "var", "toy", "1")
    assert mine.read_all() == {
        name: (released / "toy/1" / name).read_bytes() for name in mine.manifest.files
    }
    assert mine.manifest.kid is not None
    assert tree(released) == before


def test_a_second_time_changes_nothing(released: Path, data: Path) -> None:
    before = tree(data)
    assert adopt(released, data) == [Adopted("toy", "1", fresh=False)]
    assert tree(data) == before


def test_processes_that_start_at_once_agree(released: Path, tmp_path: Path) -> None:
    data = tmp_path / "var"
    code = (
        "import sys; from pathlib import Path;"
        "from inference_worker.engine.adoption import adopt;"
        "print(adopt(Path(sys.argv[1]), Path(sys.argv[2]))[0].fresh)"
    )
    command = [sys.executable, "-c", code, str(released), str(data)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = sorted(process.communicate()[0].strip() for process in running)
    assert answers == ["False", "False", "True"]
    open_signed(data, "toy", "1").read_all()


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json", "manifest.sig"])
def test_a_damaged_copy_is_put_right(released: Path, data: Path, name: str) -> None:
    (data / "engines/toy/1" / name).write_bytes(b"damaged")
    assert adopt(released, data) == [Adopted("toy", "1", fresh=True)]
    open_signed(data, "toy", "1").read_all()


def test_other_files_under_the_same_version_are_refused(
    data: Path, tmp_path: Path
) -> None:
    write_toy(tmp_path / "other", threshold_ppm=500_000)
    with pytest.raises(EngineConflict, match="toy 1"):
        adopt(tmp_path / "other", data)
    assert open_signed(data, "toy", "1").manifest.threshold == 0.6


@pytest.mark.parametrize("content", [b"", b"x" * 10_000])
def test_a_release_that_differs_from_its_pins_is_refused(
    released: Path, tmp_path: Path, content: bytes
) -> None:
    (released / "toy/1/model.onnx").write_bytes(content)
    with pytest.raises(FileAltered, match=r"model\.onnx"):
        adopt(released, tmp_path / "var")
    assert not (tmp_path / "var/engines/toy/1").exists()


def test_nothing_is_left_of_an_adoption_that_failed(
    released: Path, tmp_path: Path
) -> None:
    (released / "toy/1/model.onnx").write_bytes(b"x")
    with pytest.raises(FileAltered):
        adopt(released, tmp_path / "var")
    left = [path.name for path in (tmp_path / "var/engines").iterdir()]
    assert sorted(left) == [".lock", "toy"]


def test_a_folder_named_otherwise_than_its_manifest_is_refused(
    released: Path, tmp_path: Path
) -> None:
    (released / "toy/1").rename(released / "toy/2")
    with pytest.raises(ManifestError, match="toy 1"):
        adopt(released, tmp_path / "var")


def test_a_release_with_a_float_in_its_manifest_is_refused(
    released: Path, tmp_path: Path
) -> None:
    path = released / "toy/1/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"stride": 8.0}))
    with pytest.raises(ManifestError, match="floats"):
        adopt(released, tmp_path / "var")


def test_an_empty_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="no model version"):
        adopt(tmp_path, tmp_path / "var")
