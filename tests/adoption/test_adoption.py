from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from inference_worker.adoption import Adopted, adopt
from inference_worker.engine.errors import (
    EngineConflict,
    EngineError,
    EngineMissing,
    FileAltered,
    InferenceFailed,
    LoadFailed,
    ManifestError,
    StoreUnusable,
)
from inference_worker.engine.store import open_latest, open_signed
from inference_worker.untrusted.errors import ModelRefused
from tests.adoption.strangers import NET, net_in_int8
from tests.engine.toy import write_toy


def tree(folder: Path) -> dict[str, str]:
    """Every file with its hash, hidden ones and locks among them."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refusal(source: Path, data: Path, told: str) -> EngineError:
    """Why the only version there is not adopted; it tells of `told`."""
    (one,) = adopt(source, data)
    assert one.refused is not None
    assert told in str(one.refused)
    return one.refused


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
        "from inference_worker.adoption import adopt;"
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


def test_what_was_built_from_a_damaged_copy_stays(released: Path, data: Path) -> None:
    built = data / "engines/toy/1/engines/sm_90/plan"
    built.parent.mkdir(parents=True)
    built.write_bytes(b"built")
    (data / "engines/toy/1/model.onnx").write_bytes(b"damaged")
    assert adopt(released, data) == [Adopted("toy", "1", fresh=True)]
    assert built.read_bytes() == b"built"
    assert built.stat().st_nlink == 1
    assert {path.name for path in (data / "engines").iterdir()} == {".lock", "toy"}


def test_a_copy_that_cannot_be_put_right_stays_as_it_was(
    released: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all that was built from it."""
    folder = data / "engines/toy/1"
    (folder / "engines").mkdir()
    (folder / "engines/plan").write_bytes(b"built")
    (folder / "model.onnx").write_bytes(b"damaged")
    before = tree(data)
    move = Path.rename

    def full(path: Path, target: Path) -> Path:
        if (path.parent / "before").exists() and path.name == "1":
            raise OSError(errno.ENOSPC, "No space left on device")
        return move(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(StoreUnusable, match="No space left"):
        adopt(released, data)
    assert tree(data) == before


def test_other_files_under_the_same_version_are_refused(
    data: Path, tmp_path: Path
) -> None:
    write_toy(tmp_path / "other", threshold_ppm=500_000)
    assert isinstance(refusal(tmp_path / "other", data, "toy 1"), EngineConflict)
    assert open_signed(data, "toy", "1").manifest.threshold == 0.6


@pytest.mark.parametrize("content", [b"", b"x" * 10_000])
def test_a_release_that_differs_from_its_pins_is_refused(
    released: Path, tmp_path: Path, content: bytes
) -> None:
    (released / "toy/1/model.onnx").write_bytes(content)
    error = refusal(released, tmp_path / "var", "model.onnx")
    assert isinstance(error, FileAltered)
    assert not (tmp_path / "var/engines/toy/1").exists()


def test_nothing_is_left_of_an_adoption_that_failed(
    released: Path, tmp_path: Path
) -> None:
    (released / "toy/1/model.onnx").write_bytes(b"x")
    refusal(released, tmp_path / "var", "model.onnx")
    left = [path.name for path in (tmp_path / "var/engines").iterdir()]
    assert left == [".lock"]


def test_a_folder_named_otherwise_than_its_manifest_is_refused(
    released: Path, tmp_path: Path
) -> None:
    (released / "toy/1").rename(released / "toy/2")
    error = refusal(released, tmp_path / "var", "toy 1")
    assert isinstance(error, ManifestError)


def test_a_release_with_a_float_in_its_manifest_is_refused(
    released: Path, tmp_path: Path
) -> None:
    path = released / "toy/1/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"stride": 8.0}))
    assert isinstance(refusal(released, tmp_path / "var", "floats"), ManifestError)


def test_one_that_is_refused_leaves_the_others_alone(
    released: Path, tmp_path: Path
) -> None:
    for version in ("0", "2", "3"):
        write_toy(released, version=version, release_seq=int(version) + 1)
    (released / "toy/0/manifest.json").unlink()
    (released / "toy/2/model.onnx").write_bytes(b"x")
    found = adopt(released, tmp_path / "var")
    assert [(one.version, one.fresh) for one in found] == [
        ("0", False),
        ("1", True),
        ("2", False),
        ("3", True),
    ]
    refused = {one.version: type(one.refused) for one in found if one.refused}
    assert refused == {"0": EngineMissing, "2": FileAltered}
    assert open_latest(tmp_path / "var", "toy").manifest.version == "3"


def test_int8_that_is_no_network_is_refused_and_nothing_is_kept(
    tmp_path: Path,
) -> None:
    released, data = tmp_path / "released", tmp_path / "var"
    write_toy(released, int8=b"no network")
    assert isinstance(refusal(released, data, "model.int8.onnx"), ModelRefused)
    (shipped,) = adopt(released, data, shipped=True)
    assert isinstance(shipped.refused, LoadFailed)
    assert not (data / "engines/toy").exists()


@pytest.mark.parametrize("shipped", [False, True])
def test_int8_that_gives_other_classes_is_refused(
    shipped: bool, tmp_path: Path
) -> None:
    released, data = tmp_path / "released", tmp_path / "var"
    write_toy(released, int8=net_in_int8(), input=NET["input"])
    (one,) = adopt(released, data, shipped=shipped)
    assert isinstance(one.refused, InferenceFailed)
    assert "toy 1: model.int8.onnx" in str(one.refused)


def test_int8_is_adopted_where_nothing_could_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine may be there to hand models out."""
    for runtime in ("openvino", "onnxruntime"):
        monkeypatch.setitem(sys.modules, runtime, None)
    write_toy(tmp_path / "released", int8=net_in_int8(), input=NET["input"])
    (one,) = adopt(tmp_path / "released", tmp_path / "var", shipped=True)
    assert one.fresh


def test_folders_that_are_no_versions_are_passed_by(
    released: Path, tmp_path: Path
) -> None:
    (released / "docs" / "images").mkdir(parents=True)
    assert adopt(released, tmp_path / "var") == [Adopted("toy", "1", fresh=True)]


def test_a_data_folder_that_cannot_be_is_told(released: Path, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    with pytest.raises(StoreUnusable, match="var: Not a directory") as caught:
        adopt(released, tmp_path / "var")
    assert "CAUSELINE_DATA" in caught.value.hint


def test_an_empty_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="no model version"):
        adopt(tmp_path, tmp_path / "var")
