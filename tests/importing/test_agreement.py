"""Backends that tell of other boxes are found out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference_worker.engine.api import load_folder
from inference_worker.engine.manifest import Manifest, canonical
from inference_worker.engine.types import FloatArray
from inference_worker.importing.agreement import agreement, lost
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.judging import Judged, judge
from inference_worker.importing.runtimes import Run, Runs
from tests.engine.toy import toy_manifest
from tests.importing.imports import imported
from tests.importing.places import places


def preds(*rows: tuple[float, ...]) -> list[FloatArray]:
    """One picture's; each row is left, top, right, bottom and two scores."""
    return [np.array([rows], np.float32).reshape(1, -1, 6)]


BOX = (10.0, 10.0, 30.0, 50.0, 0.9, 0.0)
THIN = (10.0, 10.0, 10.0, 50.0, 0.9, 0.0)


@pytest.mark.parametrize(
    ("other", "iou", "apart"),
    [
        (preds(BOX), 1.0, 0.0),
        (preds((10, 10, 30, 50, 0.8, 0)), 1.0, 0.1),
        (preds((10, 10, 30, 40, 0.9, 0)), 0.75, 0.0),
        (preds((10, 10, 30, 50, 0, 0.9)), 0.0, 0.9),
        (preds((10, 10, 30, 50, 0.9, 0.6)), 0.0, 0.6),
        (preds((50, 50, 60, 60, 0.9, 0)), 0.0, 0.9),
        (preds((10, 10, 30, 50, 0.01, 0)), 0.0, 0.9),
        (preds(), 0.0, 0.9),
    ],
)
def test_the_worst_partner_counts(
    other: list[FloatArray], iou: float, apart: float
) -> None:
    for told in (agreement(preds(BOX), other), agreement(other, preds(BOX))):
        assert told.least_iou == pytest.approx(iou)
        assert told.most_apart == pytest.approx(apart)
        assert told.good == (other[0].tolist() == preds(BOX)[0].tolist())


def test_rows_may_come_in_another_order() -> None:
    far = (50.0, 50.0, 60.0, 60.0, 0.0, 0.5)
    assert agreement(preds(BOX, far), preds(far, BOX)).good


def test_boxes_without_an_area_are_compared_by_their_sides() -> None:
    assert agreement(preds(THIN), preds(THIN)).good
    assert not agreement(preds(THIN), preds((12, 10, 12, 50, 0.9, 0))).good


def test_where_nothing_is_found_the_best_guesses_are_compared() -> None:
    faint, elsewhere = (*BOX[:4], 2e-3, 0), (60, 60, 80, 80, 2e-3, 0)
    assert agreement(preds(faint), preds(faint)).boxes == 2
    assert not agreement(preds(faint), preds(elsewhere)).good
    nothing = agreement(preds((*BOX[:4], 0, 0)), preds())
    assert not nothing.tells
    assert "nothing could be compared" in str(nothing)


def test_found_is_what_a_line_would_see() -> None:
    double = (11, 10, 31, 50, 0.8, 0)
    assert lost(preds(BOX, double), preds(BOX), 0.5, 0.45) == (1, 0)
    assert lost(preds(BOX, double), preds(), 0.5, 0.45) == (1, 1)
    assert lost(preds(BOX), preds((*BOX[:4], 0.46, 0)), 0.5, 0.45) == (1, 0)
    assert lost(preds(BOX), preds((*BOX[:4], 0.2, 0)), 0.5, 0.45) == (1, 1)


def test_backends_that_differ_are_told_with_figures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = imported(tmp_path, places(behind="openvino_finer"))
    assert "onnxruntime and openvino differ" in caplog.text
    (bold,) = [
        line
        for line in (folder / "card.md").read_text().splitlines()
        if line.startswith("**onnxruntime and openvino differ")
    ]
    assert "the lowest IoU is 0.947" in bold


def judged(other: list[FloatArray]) -> Judged:
    manifest = toy_manifest({"model.onnx": b"x"}, classes=["a", "b"])
    runs = {
        "openvino": Run(tuple(other), {}, None),
        "onnxruntime": Run(tuple(preds(BOX)), {}, None),
    }
    parsed = Manifest.parse(canonical(manifest))
    return judge(parsed, Runs((64, 64), runs, {}))


def test_other_shapes_are_wrong_and_no_traceback() -> None:
    found = judged([np.zeros((1, 3), np.float32)])
    assert "(1, 3)" in found.wrong["openvino"]
    assert found.trouble == (1, 0)
    found = judged([np.zeros((2, 3, 6), np.float32)])
    assert "expected (1, ., 6)" in found.wrong["openvino"]
    assert judged(preds(BOX, (*BOX[:4], 0, 0))).trouble == (0, 0)


def test_more_boxes_than_the_reference_finds_are_wrong_too() -> None:
    more = [(60.0 + 9 * i, 1.0, 65.0 + 9 * i, 9.0, 0.9, 0.0) for i in range(3)]
    assert "openvino finds" in judged(preds(BOX, *more)).wrong["openvino"]


def test_an_import_is_computed_in_f32_unless_told_otherwise(tmp_path: Path) -> None:
    folder = imported(tmp_path, places(before="steep"))
    assert load_folder(folder).precision == "f32"
    assert "| computed in | f32" in (folder / "card.md").read_text()


def test_backends_that_agree_are_told_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = (imported(tmp_path, places()) / "card.md").read_text()
    assert "find the same: of 400 boxes" in text
    assert "differ" not in caplog.text


def test_a_backend_that_finds_nothing_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="openvino does not find") as caught:
        imported(tmp_path, places(behind="openvino_blind"))
    assert "Nothing was written" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_backend_that_gives_no_numbers_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="on openvino the network gives NaN"):
        imported(tmp_path, places(behind="openvino_nan"))
    assert not (tmp_path / "out").exists()
