"""What is loaded was signed here, byte for byte; everything else is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.adoption import adopt
from inference_worker.engine import api, files, keyring
from inference_worker.engine.api import load_detector
from inference_worker.engine.errors import (
    EngineMissing,
    FileAltered,
    KeyRingError,
    KeyUnknown,
    ManifestError,
    SignatureMissing,
    SignatureWrong,
    StoreError,
)
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.signing import sign
from inference_worker.engine.store import open_latest, open_signed
from tests.engine.toy import board, paint, write_toy

FILES = ["manifest.json", "manifest.sig", "model.onnx"]


@pytest.fixture
def folder(data: Path) -> Path:
    return data / "engines" / "toy" / "1"


@pytest.fixture
def nothing_is_parsed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test when a manifest is parsed or a runtime is given a model."""

    def never(*_: object, **__: object) -> None:
        pytest.fail("it was used before it was verified")

    monkeypatch.setattr(Manifest, "parse", never)
    monkeypatch.setattr(api, "open_backend", never)


def test_an_adopted_model_works(data: Path) -> None:
    detector = load_detector("toy", data=data, threads=1)
    image = board()
    paint(image, 0, left=0, top=0)
    assert detector.version == "1"
    assert len(detector.infer([image])[0]) == 1


def test_the_latest_is_the_one_released_last_not_named_last(tmp_path: Path) -> None:
    write_toy(tmp_path / "a", version="9", release_seq=3)
    write_toy(tmp_path / "a", version="10", release_seq=4)
    adopt(tmp_path / "a", tmp_path)
    assert open_latest(tmp_path, "toy").manifest.version == "10"


def test_a_broken_version_does_not_take_the_good_ones_with_it(
    data: Path, tmp_path: Path
) -> None:
    write_toy(tmp_path / "b", version="2", release_seq=2)
    adopt(tmp_path / "b", data)
    (data / "engines/toy/2/manifest.sig").unlink()
    assert open_latest(data, "toy").manifest.version == "1"


def test_when_none_is_good_the_reason_is_told(data: Path, folder: Path) -> None:
    (folder / "manifest.sig").unlink()
    with pytest.raises(SignatureMissing):
        open_latest(data, "toy")


@pytest.mark.usefixtures("nothing_is_parsed")
def test_an_unsigned_version_is_refused(data: Path, folder: Path) -> None:
    (folder / "manifest.sig").unlink()
    with pytest.raises(SignatureMissing):
        load_detector("toy", "1", data=data)


@pytest.mark.usefixtures("nothing_is_parsed")
def test_a_key_that_is_not_ours_is_refused(data: Path, folder: Path) -> None:
    stranger = KeyRing("00000000", {"00000000": b"k" * 32})
    text = (folder / "manifest.json").read_bytes()
    (folder / "manifest.sig").write_bytes(sign(text, stranger))
    with pytest.raises(KeyUnknown):
        load_detector("toy", "1", data=data)


@pytest.mark.usefixtures("nothing_is_parsed")
def test_without_a_key_ring_nothing_is_loaded(data: Path) -> None:
    (data / keyring.FILE).unlink()
    with pytest.raises(KeyRingError):
        load_detector("toy", "1", data=data)


@pytest.mark.parametrize("name", ["nothing", "..", "../../etc", "toy/1", ""])
def test_a_name_that_is_not_there_is_refused(data: Path, name: str) -> None:
    for model, version in ((name, "1"), ("toy", name or "2")):
        with pytest.raises(EngineMissing):
            load_detector(model, version, data=data)


def test_two_versions_cannot_change_places(data: Path, tmp_path: Path) -> None:
    write_toy(tmp_path / "b", version="2", release_seq=2, threshold_ppm=10_000)
    adopt(tmp_path / "b", data)
    shutil.rmtree(data / "engines/toy/2")
    shutil.copytree(data / "engines/toy/1", data / "engines/toy/2")
    with pytest.raises(SignatureWrong, match="another version"):
        open_signed(data, "toy", "2")


def test_a_link_is_not_followed(data: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "model.onnx").rename(tmp_path / "model.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "model.onnx")
    with pytest.raises(FileAltered):
        load_detector("toy", "1", data=data)


@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(data: Path, folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")
    with pytest.raises(FileAltered, match="not a plain file"):
        load_detector("toy", "1", data=data)


def test_a_file_that_is_gone_is_refused(data: Path, folder: Path) -> None:
    (folder / "model.onnx").unlink()
    with pytest.raises(FileAltered, match="No such file"):
        load_detector("toy", "1", data=data)


def test_the_bytes_that_were_checked_are_the_bytes_that_are_used(
    data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[bytes] = []
    reads: list[Path] = []
    read = files.read_plain

    def counting(path: Path, limit: int, *owners: object) -> bytes:
        reads.append(path)
        return read(path, limit, *owners)

    def backend(_name: str, _manifest: Manifest, model: bytes, **_: object) -> None:
        used.append(model)
        raise ManifestError("far enough")

    genuine = (folder / "model.onnx").read_bytes()
    monkeypatch.setattr(files, "read_plain", counting)
    monkeypatch.setattr(api, "open_backend", backend)
    with pytest.raises(ManifestError, match="far enough"):
        load_detector("toy", "1", data=data)
    assert used == [genuine]
    assert reads.count(folder / "model.onnx") == 1


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by the property tests, which leave it as they found it."""
    tmp_path = tmp_path_factory.mktemp("adopted")
    write_toy(tmp_path / "released")
    adopt(tmp_path / "released", tmp_path)
    return tmp_path


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_any_flipped_byte_is_refused_before_it_is_used(
    adopted: Path, name: str, data: st.DataObject
) -> None:
    path = adopted / "engines/toy/1" / name
    genuine = path.read_bytes()
    at = data.draw(st.integers(0, len(genuine) - 1))
    flip = data.draw(st.integers(1, 255))
    refused(
        adopted,
        path,
        genuine,
        genuine[:at] + bytes([genuine[at] ^ flip]) + genuine[at + 1 :],
    )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_anything_cut_or_added_is_refused_before_it_is_used(
    adopted: Path, name: str, data: st.DataObject
) -> None:
    path = adopted / "engines/toy/1" / name
    genuine = path.read_bytes()
    cut = genuine[: data.draw(st.integers(0, len(genuine) - 1))]
    added = genuine + data.draw(st.binary(min_size=1, max_size=20))
    for content in (cut, added):
        refused(adopted, path, genuine, content)


def refused(adopted: Path, path: Path, genuine: bytes, content: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "open_backend", lambda *_, **__: pytest.fail("it was used"))
        if path.name != "model.onnx":
            patch.setattr(Manifest, "parse", lambda _: pytest.fail("it was parsed"))
        path.write_bytes(content)
        try:
            with pytest.raises(StoreError):
                load_detector("toy", "1", data=adopted)
        finally:
            path.write_bytes(genuine)
