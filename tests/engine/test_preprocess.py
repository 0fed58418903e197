from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_worker.engine.preprocess import GREY, letterbox, plan

SIZES = (512, 640, 1024)
side = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("height", "width", "canvas"),
    [
        (640, 640, (640, 640)),
        (480, 640, (480, 640)),
        (360, 640, (384, 640)),
        (512, 512, (512, 512)),
        (100, 100, (512, 512)),
        (700, 700, (640, 640)),
        (720, 720, (1024, 1024)),
        (1080, 1920, (576, 1024)),
        (3000, 4000, (768, 1024)),
        (4000, 3000, (1024, 768)),
        (1, 5000, (32, 1024)),
    ],
)
def test_the_canvas_follows_the_size_of_the_image(
    height: int, width: int, canvas: tuple[int, int]
) -> None:
    assert plan(height, width, SIZES, 32).canvas == canvas


@given(side, side)
def test_the_plan_holds_for_any_size(height: int, width: int) -> None:
    geometry = plan(height, width, SIZES, 32)
    assert max(geometry.canvas) in SIZES
    assert all(edge % 32 == 0 for edge in geometry.canvas)
    for inner, outer in zip(geometry.content, geometry.canvas, strict=True):
        assert 1 <= inner <= outer < inner + 32
    if min(height, width) >= 32:
        x, y = geometry.scale[:2]
        assert x == pytest.approx(y, rel=0.1)


@given(side, side, st.integers(0, 2**32 - 1))
def test_boxes_come_back_from_the_canvas_where_they_were(
    height: int, width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.random((8, 2, 2)), axis=1) * [width, height]
    boxes = corners.reshape(-1, 4).astype(np.float32)
    geometry = plan(height, width, SIZES, 32)
    back = geometry.to_original(boxes * geometry.scale)
    assert np.allclose(back, boxes, rtol=1e-5, atol=1e-2)


@given(side, side)
def test_boxes_are_cut_at_the_edge_of_the_image(height: int, width: int) -> None:
    geometry = plan(height, width, SIZES, 32)
    huge = np.array([[-9e3, -9e3, 9e4, 9e4]], np.float32)
    assert geometry.to_original(huge).tolist() == [[0, 0, width, height]]


def test_an_image_that_fits_is_not_touched() -> None:
    image = np.random.default_rng(0).integers(0, 255, (640, 640, 3), np.uint8)
    assert np.array_equal(letterbox(image, plan(640, 640, SIZES, 32)), image)


def test_what_is_beside_the_image_is_grey() -> None:
    canvas = letterbox(np.zeros((360, 640, 3), np.uint8), plan(360, 640, SIZES, 32))
    assert (canvas[:360] == 0).all()
    assert (canvas[360:] == GREY).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(64, 1500), st.integers(64, 1500), st.data())
def test_a_spot_lies_on_the_canvas_where_the_geometry_says(
    height: int, width: int, data: st.DataObject
) -> None:
    left = data.draw(st.integers(0, width - 24))
    top = data.draw(st.integers(0, height - 24))
    image = np.zeros((height, width, 3), np.uint8)
    image[top : top + 24, left : left + 24] = 255
    geometry = plan(height, width, SIZES, 32)
    inside = letterbox(image, geometry)[: geometry.content[0], : geometry.content[1]]
    rows, columns = np.nonzero(inside[..., 0] > 127)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    box = np.array([[left, top, left + 24, top + 24]], np.float32)
    assert np.abs((box * geometry.scale)[0] - found).max() <= 1.0


def test_thin_traces_survive_a_strong_reduction() -> None:
    image = np.zeros((3000, 4000, 3), np.uint8)
    image[:, ::8] = 255
    row = letterbox(image, plan(3000, 4000, SIZES, 32))[0, :, 0].astype(int)
    # Three pixels of the canvas cover eleven of the image, so one trace at least.
    assert (row[:-2] + row[1:-1] + row[2:]).min() > 40
