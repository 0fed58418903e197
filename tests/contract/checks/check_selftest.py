"""The self-test as a user with TensorRT sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorrt as trt

from inference_worker.commands import models
from inference_worker.commands.main import main
from tests.contract.checks.conftest import Faults
from tests.contract.host_gpu import COMPILER
from tests.engine.toy import write_toy

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy(tmp_path / "shipped")
    monkeypatch.setattr(models, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "var"))
    monkeypatch.setattr("inference_worker.selftest.trial._SECONDS", 0.01)


def selftest(folder: Path) -> tuple[int, dict[str, dict[str, object]]]:
    out = folder / "evidence.json"
    options = ["--threads", "1", "--images", "2", "--out", str(out)]
    code = main(["selftest", "--model", "toy", *options])
    told = json.loads(out.read_text())["outcomes"]
    return code, {one["backend"]: one for one in told}


def test_an_engine_is_built_and_agrees_with_the_cpu(
    tmp_path: Path, capsys: Output
) -> None:
    code, told = selftest(tmp_path)
    assert code == 0, capsys.readouterr().err
    engine = told["tensorrt"]
    assert engine["state"] == "right"
    environment = engine["environment"]
    assert isinstance(environment, dict)
    assert environment["tensorrt"] == trt.__version__
    assert isinstance(engine["plan_bytes"], int)
    latencies = engine["latencies"]
    assert isinstance(latencies, dict)
    assert set(latencies) == {"1x512", "1x640", "1x1024", "2x640"}


def test_an_engine_that_computes_wrong_is_told_from_one_that_fails(
    tmp_path: Path, capsys: Output, fail: Faults
) -> None:
    fail("numbers")
    code, told = selftest(tmp_path)
    assert (code, told["tensorrt"]["state"]) == (1, "wrong")
    assert told["openvino"]["state"] == "right"
    fail("plan")
    code, told = selftest(tmp_path)
    assert (code, told["tensorrt"]["state"]) == (1, "failed")
    assert "Could not find any implementation" in capsys.readouterr().err
