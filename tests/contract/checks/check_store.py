"""A built engine on its way through the store: signed, opened, used."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from inference_worker.commands import models
from inference_worker.commands.main import main
from inference_worker.engine.built import Environment
from inference_worker.engine.issuing import write_engine
from inference_worker.engine.store import MODEL, Version
from inference_worker.engine.tensorrt.builder import Built, build
from inference_worker.engine.tensorrt.networks import network_for
from inference_worker.engine.tensorrt.profiles import profiles_of
from tests.contract.checks.conftest import MIB
from tests.contract.host_gpu import COMPILER, HostDriver
from tests.engine.toy import board, paint, write_toy

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")

Output = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_toy(tmp_path / "shipped")
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture
def photo(tmp_path: Path) -> str:
    image = board()
    paint(image, 0, 64, 96)
    cv2.imwrite(str(tmp_path / "photo.png"), image[..., ::-1])
    return str(tmp_path / "photo.png")


def release(data: Path, version: Version, built: Built) -> None:
    told = built.environment
    write_engine(
        data,
        version,
        version.manifest.files[MODEL].sha256,
        built.plan,
        built.timing_cache,
        Environment(**{**told, "profiles": tuple(told["profiles"])}),
    )


def released(data: Path, precision: str = "f16") -> None:
    version = models.open_version("toy")
    profiles = profiles_of(version.manifest, 2)
    network = network_for(version, precision)
    release(data, version, build(network, profiles, 64 * MIB, precision=precision))


def detect(photo: str) -> int:
    return main(["detect", "--model", "toy", "--backend", "tensorrt", photo, "--json"])


def test_an_engine_that_was_built_and_signed_detects(
    data: Path, photo: str, capsys: Output
) -> None:
    released(data)
    assert detect(photo) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["category"], found["bbox"]) == ("red", [64.0, 96.0, 32.0, 32.0])


def test_without_an_engine_it_says_how_to_build_one(
    data: Path, photo: str, capsys: Output
) -> None:
    assert detect(photo) == 1
    assert "error: engine_missing:" in (said := capsys.readouterr().err)
    assert "inference_worker build" in said


def test_an_engine_of_another_card_is_not_deserialised(
    data: Path,
    photo: str,
    capsys: Output,
    calls: list[str],
    driver: HostDriver,
) -> None:
    released(data)
    driver.capability = (8, 9)
    assert detect(photo) == 1
    assert "error: engine_other_gpu:" in capsys.readouterr().err
    assert "deserialise" not in calls


def test_a_plan_that_was_altered_is_not_deserialised(
    data: Path, photo: str, capsys: Output, calls: list[str]
) -> None:
    released(data)
    (plan,) = data.glob("engines/toy/1/engines/*/engine.plan")
    content = bytearray(plan.read_bytes())
    content[-5] ^= 1
    plan.chmod(0o600)
    plan.write_bytes(content)
    assert detect(photo) == 1
    assert "error: file_altered:" in capsys.readouterr().err
    assert "deserialise" not in calls
