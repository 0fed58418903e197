"""The way back through a lens, against OpenCV's own and against drawn dots."""

from __future__ import annotations

import json
import threading
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference_worker.engine import optics as module
from inference_worker.engine.optics import (
    Optics,
    Region,
    as_taken,
    bent,
    correct,
    maps,
)
from inference_worker.engine.types import Detections
from tests.engine.test_optics import CAMERA, CAMERAS, HEIGHT, REGION, WIDTH, ideal
from tests.engine.toy import board


def boxed(left: float, top: float, right: float, bottom: float) -> Detections:
    return Detections.truth([[left, top, right, bottom]], [0])


LENSES = st.tuples(
    st.floats(-0.3, 0.3),
    st.floats(-0.05, 0.05),
    st.floats(-0.004, 0.004),
    st.floats(-0.004, 0.004),
)
PLACES = st.tuples(st.integers(8, WIDTH - 9), st.integers(8, HEIGHT - 9))


@settings(max_examples=60, deadline=None)
@given(LENSES, PLACES, st.sampled_from([None, REGION]), st.sampled_from([0, 256]))
def test_a_dot_is_found_where_it_was_drawn(
    lens: tuple[float, ...],
    place: tuple[int, int],
    region: Region | None,
    denoise: int,
) -> None:
    optics = Optics((HEIGHT, WIDTH), CAMERA, lens, region, denoise)
    photo = board(HEIGHT, WIDTH)
    cv2.circle(photo, place, 4, (255, 255, 255), -1)
    seen = correct(photo, optics)[..., 1] * (correct(photo, optics)[..., 1] > 128.0)
    edge = np.concatenate([seen[:6].ravel(), seen[-6:].ravel()])
    edge = np.concatenate([edge, seen[:, :6].ravel(), seen[:, -6:].ravel()])
    assume(seen.any() and not edge.any())
    rows, columns = np.nonzero(seen)
    box = boxed(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    left, top, right, bottom = as_taken(box, optics).boxes[0]
    x, y = place
    assert abs((left + right) / 2 - (x + 0.5)) <= 1
    assert abs((top + bottom) / 2 - (y + 0.5)) <= 1


@settings(max_examples=60, deadline=None)
@given(LENSES, st.lists(PLACES, min_size=1, max_size=9))
def test_opencv_finds_the_way_back_of_the_way_back(
    lens: tuple[float, ...], places: list[tuple[int, int]]
) -> None:
    optics = Optics((HEIGHT, WIDTH), CAMERA, lens)
    shown = bent(np.array(places, np.float64) + 0.5, optics) - 0.5
    inside = ((shown > 0) & (shown < [WIDTH - 1, HEIGHT - 1])).all(1)
    assume(inside.any())
    whole = np.rint(shown[inside]).astype(int)
    again = ideal(optics)[whole[:, 1], whole[:, 0]]
    apart = np.abs(again - np.array(places)[inside])
    assert np.median(apart) <= 1.5  # a pixel's rounding, stretched by the lens


@settings(max_examples=100, deadline=None)
@given(
    LENSES,
    st.tuples(st.floats(-99, 900), st.floats(-99, 900)),
    st.tuples(st.floats(0.1, 900), st.floats(0.1, 900)),
    st.sampled_from([None, REGION]),
)
def test_a_box_never_leaves_the_photo_and_never_loses_its_own(
    lens: tuple[float, ...],
    corner: tuple[float, float],
    size: tuple[float, float],
    region: Region | None,
) -> None:
    optics = Optics((HEIGHT, WIDTH), CAMERA, lens, region)
    box = boxed(*corner, corner[0] + size[0], corner[1] + size[1])
    found = as_taken(box, optics)
    assert len(found) <= 1
    edge = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])
    assert ((found.boxes >= 0) & (found.boxes <= edge)).all()
    moved = box.boxes + np.array([optics.seen.left, optics.seen.top] * 2)
    middle = (moved[0, :2] + moved[0, 2:]) / 2
    (shown,) = bent(np.array([middle], np.float64), optics)
    near = np.abs(middle - [CAMERA[2], CAMERA[3]]).max() < 450  # where no lens folds
    if near and (shown > 1).all() and (shown < [WIDTH - 1, HEIGHT - 1]).all():
        left, top, right, bottom = found.boxes[0]
        assert left - 1 <= shown[0] <= right + 1
        assert top - 1 <= shown[1] <= bottom + 1


def test_what_lies_beside_the_photo_is_dropped() -> None:
    pincushion = Optics((HEIGHT, WIDTH), CAMERA, (0.4, 0.1, 0.0, 0.0))
    assert (correct(board(HEIGHT, WIDTH) + 1, pincushion)[:9, :9] == 114).all()
    assert len(as_taken(boxed(0, 0, 9, 9), pincushion)) == 0
    assert len(as_taken(boxed(390, 290, 410, 310), pincushion)) == 1


def test_maps_are_made_once_while_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = (Optics((60, 80), CAMERA, (k, 0, 0, 0)) for k in (0.1, 0.2))
    first = maps(one)
    assert maps(Optics.from_json(one.to_json())) is first
    monkeypatch.setattr("inference_worker.engine.optics.MAPS_BYTES", 60 * 80 * 6)
    maps(other)
    assert maps(one) is not first
    assert all((a == b).all() for a, b in zip(maps(one), first, strict=True))


def test_maps_that_are_made_again_and_again_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not those of a camera that was away for long."""
    monkeypatch.setattr(module, "MAPS_BYTES", 60 * 80 * 6)
    monkeypatch.setattr(module, "_told", threading.Event())
    rows = [Optics((60, 80), CAMERA, (k, 0, 0, 0)) for k in (0.3, 0.4)]
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    for row in rows * 2:
        maps(row)
    assert not caplog.messages
    monkeypatch.setattr(module, "AGAIN_SECONDS", 60.0)
    for row in rows * 2:
        maps(row)
    (line,) = caplog.messages
    assert "again and again" in line


def test_nothing_found_stays_nothing() -> None:
    assert len(as_taken(Detections.empty(), CAMERAS["all that there is"])) == 0


@pytest.mark.parametrize("name", CAMERAS)
def test_optics_cross_a_process_as_json(name: str) -> None:
    told: dict[str, Any] = json.loads(json.dumps(CAMERAS[name].to_json()))
    assert Optics.from_json(told) == CAMERAS[name]
    assert hash(Optics.from_json(told)) == hash(CAMERAS[name])
