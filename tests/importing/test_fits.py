from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from inference_worker.engine.errors import ManifestError
from inference_worker.engine.manifest import Manifest, canonical
from inference_worker.engine.preprocess import FITS, GREY, letterbox, plan
from tests.engine.toy import toy_manifest

FILES = {"model.onnx": b"x"}
PLAIN = {"layout": "NCHW", "channels": 3, "range": [0, 1], "sizes": [640]}


def photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 255, (height, width, 3), np.uint8)


def ultralytics_canvas(image: np.ndarray, side: int) -> np.ndarray:
    """Its LetterBox, written from its documentation: centre, bilinear, grey 114."""
    height, width = image.shape[:2]
    ratio = min(side / height, side / width)
    wide, tall = round(width * ratio), round(height * ratio)
    left, top = (side - wide) / 2, (side - tall) / 2
    return cv2.copyMakeBorder(
        cv2.resize(image, (wide, tall), interpolation=cv2.INTER_LINEAR),
        *(round(top - 0.1), round(top + 0.1), round(left - 0.1), round(left + 0.1)),
        cv2.BORDER_CONSTANT,
        value=(114, 114, 114),
    )


@pytest.mark.parametrize("size", [(64, 64), (33, 64), (200, 91), (47, 160), (20, 30)])
def test_the_centre_is_ultralytics_own(size: tuple[int, int]) -> None:
    image = photo(*size)
    geometry = plan(*size, (64,), 32, "centre", (64, 64))
    assert np.array_equal(letterbox(image, geometry), ultralytics_canvas(image, 64))


def test_the_corner_rounds_down_and_goes_back_by_one_ratio() -> None:
    geometry = plan(90, 101, (64,), 1, "corner", (64, 64))
    assert geometry.content == (57, 64)
    boxes = np.array([[0, 0, 32, 57]], np.float32)
    back = geometry.to_original(boxes)[0]
    assert back.tolist() == pytest.approx([0, 0, 50.5, 57 * 101 / 64], rel=1e-6)
    canvas = letterbox(np.zeros((90, 101, 3), np.uint8), geometry)
    assert not canvas[:57].any()
    assert (canvas[57:] == GREY).all()


def test_yolov5_goes_back_by_sides_that_were_not_rounded() -> None:
    geometry = plan(90, 101, (64,), 1, "centre-unrounded", (64, 64))
    ratio = 64 / 101
    margin = (64 - 90 * ratio) / 2
    assert geometry.content == (57, 64)
    assert geometry.offset == (3, 0)
    back = geometry.to_original(np.array([[8, 10, 24, 40]], np.float32))[0]
    expected = [8, 10 - margin, 24, 40 - margin]
    assert back.tolist() == pytest.approx([side / ratio for side in expected])


def test_stretching_smoothly_is_pillows() -> None:
    image = photo(200, 90)
    expected = Pillow.fromarray(image).resize((64, 32), Pillow.Resampling.BILINEAR)
    geometry = plan(200, 90, (64,), 1, "stretch-smooth", (32, 64))
    assert np.array_equal(letterbox(image, geometry), np.asarray(expected))


def test_stretching_steps_over_pixels_as_opencv_does() -> None:
    image = photo(200, 90)
    expected = cv2.resize(image, (64, 32), interpolation=cv2.INTER_LINEAR)
    geometry = plan(200, 90, (64,), 1, "stretch", (32, 64))
    assert np.array_equal(letterbox(image, geometry), expected)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(64, 64), (31, 64), (300, 41)])
def test_boxes_come_back_whatever_the_fit(fit: str, size: tuple[int, int]) -> None:
    height, width = size
    geometry = plan(height, width, (64,), 1, fit, (64, 64))
    top, left = geometry.offset
    whole = np.array([[0, 0, width, height]], np.float32)
    there = whole * geometry.scale + np.array([left, top, left, top], np.float32)
    rounded = 1.0 / float(geometry.scale[0]) if fit == "centre-unrounded" else 1e-3
    assert geometry.to_original(there).tolist() == [
        pytest.approx([0, 0, width, height], abs=rounded)
    ]


def parsed(spec: dict[str, Any], **changes: Any) -> Manifest:
    return Manifest.parse(canonical(toy_manifest(FILES, input=spec, **changes)))


def test_an_old_manifest_means_what_it_meant() -> None:
    manifest = parsed(PLAIN)
    spec = manifest.input
    assert (spec.fit, spec.canvas, spec.batch) == ("letterbox", None, None)
    assert set(manifest.raw["input"]) == set(PLAIN)


def test_a_manifest_says_how_images_meet_the_canvas() -> None:
    told = PLAIN | {"fit": "stretch", "canvas": [480, 640], "batch": 1}
    manifest = parsed(told)
    spec = manifest.input
    assert (spec.fit, spec.canvas, spec.batch) == ("stretch", (480, 640), 1)
    assert Manifest.parse(manifest.canonical()).raw == manifest.raw


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fit": "sideways"}, "input.fit"),
        ({"fit": "stretch"}, "input.canvas"),
        ({"canvas": [640]}, "input.canvas"),
        ({"canvas": [640, 640, 3]}, "input.canvas"),
        ({"canvas": [640, "640"]}, "input.canvas"),
        ({"canvas": [0, 640]}, "input.canvas"),
        ({"canvas": [640, True]}, "input.canvas"),
        ({"canvas": [320, 320]}, "input.sizes"),
        ({"canvas": [640, 640], "sizes": [512, 640]}, "input.sizes"),
        ({"batch": 2}, "input.batch"),
        ({"batch": True}, "input.batch"),
        ({"colour": "BGR"}, "input.colour"),
    ],
)
def test_a_manifest_that_says_it_wrongly_is_refused(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ManifestError, match=field):
        parsed(PLAIN | changes)


def test_a_million_of_iou_suppresses_nothing() -> None:
    assert parsed(PLAIN, nms_iou_ppm=1_000_000).nms_iou == 1.0
    with pytest.raises(ManifestError, match="nms_iou_ppm"):
        parsed(PLAIN, nms_iou_ppm=1_000_001)
