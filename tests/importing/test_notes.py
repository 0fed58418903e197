"""What a file of ours notes of itself is what importing it gives back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from inference_worker.engine.manifest import Manifest
from inference_worker.engine.notes import noted, notes_of
from inference_worker.engine.store import open_folder
from inference_worker.importing.errors import ImportRefused
from tests.engine.toy import toy_manifest, toy_network
from tests.importing.imports import imported

SIZES = [64, 96, 128]
INPUT = {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": SIZES}
RAW = toy_manifest({}, input=INPUT, threshold_ppm=480_000, nms_iou_ppm=330_000)


def ours(raw: dict[str, Any] | None) -> bytes:
    """The toy, noting what the manifest `raw` says, or as files once were."""
    model = onnx.load_from_string(toy_network())
    old = {"causeline_schema": "1", "names": '["red", "green", "blue"]'}
    onnx.helper.set_model_props(model, old)
    content = bytes(model.SerializeToString())
    return content if raw is None else noted(content, notes_of(raw))


def manifest(folder: Path) -> Manifest:
    return open_folder(folder).manifest


def test_a_released_file_keeps_its_sizes_and_marks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = imported(tmp_path, ours(RAW))
    found = manifest(folder)
    assert list(found.input.sizes) == SIZES
    assert (found.threshold, found.nms_iou) == (0.48, 0.33)
    assert found.stride == 32
    assert "long side 64 or 96 or 128" in (folder / "card.md").read_text()
    assert "usual" not in caplog.text


def test_an_older_file_says_that_the_usual_ones_are_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = manifest(imported(tmp_path, ours(None)))
    assert (found.input.sizes, found.threshold) == ((640,), 0.5)
    assert "the usual ones are taken: 640 pixels, 0.50 and 0.45" in caplog.text
    assert "manifest.json" in caplog.text


def test_one_of_the_noted_sizes_may_be_asked_for(tmp_path: Path) -> None:
    assert manifest(imported(tmp_path, ours(RAW), size="96")).input.sizes == (96,)


def test_no_other_size_may(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="made for 64x64 or 96x96 or 128x128"):
        imported(tmp_path, ours(RAW), size="160")
