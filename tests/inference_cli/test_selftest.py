"""On a machine without TensorRT; with it: tests/contract/checks/check_selftest.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from inference_worker.commands.main import main
from tests.engine.toy import write_toy

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setattr("inference_worker.selftest.trial._SECONDS", 0.01)


def test_without_tensorrt_it_says_what_is_missing_and_checks_the_rest(
    tmp_path: Path, capsys: Output
) -> None:
    out = tmp_path / "evidence.json"
    options = ["--threads", "1", "--images", "2", "--out", str(out)]
    assert main(["selftest", "--model", "toy", *options]) == 1
    told = capsys.readouterr()
    assert "tensorrt f16: TensorRT is not installed" in told.err
    assert "hint: pip install -r requirements-gpu.txt" in told.err
    lines = {" ".join(line.split()[:3]) for line in told.out.splitlines()}
    assert {"openvino f32 right", "tensorrt f16 missing"} <= lines
    evidence = json.loads(out.read_text())
    states = {(o["backend"], o["state"]) for o in evidence["outcomes"]}
    assert {("openvino", "right"), ("onnxruntime", "right")} <= states
    assert ("tensorrt", "missing") in states
    assert evidence["model"]["name"] == "toy"
    assert "openvino" in evidence["packages"]
    (first, *_) = evidence["outcomes"]
    assert set(first["latencies"]) == {"1x512", "1x640", "1x1024", "2x640"}
    assert first["latencies"]["1x640"]["median_ms"] > 0


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, capsys: Output
) -> None:
    gone = tmp_path / "gone" / "evidence.json"
    assert main(["selftest", "--model", "toy", "--out", str(gone)]) == 1
    assert str(gone) in capsys.readouterr().err


def test_a_folder_is_no_adopted_model(tmp_path: Path, capsys: Output) -> None:
    folder = write_toy(tmp_path / "elsewhere")
    assert main(["selftest", "--model", str(folder)]) == 1
    assert "adopt" in capsys.readouterr().err
