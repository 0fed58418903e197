"""The version folder, and the command without torch."""

from __future__ import annotations

import argparse
import builtins
import hashlib
from pathlib import Path
from typing import Any

import pytest

from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import evaluate_detections
from inference_worker.engine.types import Detections
from inference_worker.training import command
from inference_worker.training.settings import Settings

SHIPPED = Path(__file__).parents[2] / "engines" / "pcb-defects" / "1"


def test_the_shipped_folder_holds_what_its_manifest_pins() -> None:
    manifest = Manifest.parse((SHIPPED / "manifest.json").read_bytes())
    assert (manifest.model, manifest.version, manifest.kid) == (
        "pcb-defects",
        "1",
        None,
    )
    for name, pin in manifest.files.items():
        data = (SHIPPED / name).read_bytes()
        assert len(data) == pin.size
        assert hashlib.sha256(data).hexdigest() == pin.sha256
    assert manifest.canonical() == (SHIPPED / "manifest.json").read_bytes()
    assert manifest.raw["metrics"]["map33_e4"] >= 9700


def test_a_version_folder_is_sound(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs torch")
    from inference_worker.training.release import Release, write_version

    truth = [Detections.truth([[0, 0, 10, 10]], [0])]
    metrics = evaluate_detections(truth, truth, ("dent", "scratch"), 0.35)
    release = Release(("dent", "scratch"), 3, 0.35, 0.45, metrics, 10, "one image")
    settings = Settings(tmp_path / "v", model="dents", version="2", release_seq=2)
    folder = write_version(settings, release, b"model")
    manifest = Manifest.parse((folder / "manifest.json").read_bytes())
    assert manifest.classes == ("dent", "scratch")
    assert manifest.threshold == pytest.approx(0.35)
    assert set(manifest.files) == {"model.onnx", "card.md"}
    assert "| scratch | 0 | - | - | - | - | - | - |" in (folder / "card.md").read_text()


def test_without_torch_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "inference_worker.training.run":
            raise ImportError("No module named 'torch'")
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(["--drawn", "8"])) == 1
    assert "requirements-train.txt" in capsys.readouterr().err
