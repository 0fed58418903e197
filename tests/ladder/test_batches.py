"""Batches are as large as the rung stood on takes, and of what it puts together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from inference_worker.batcher import Batcher, Seen
from inference_worker.ladder.ladder import Ladder
from inference_worker.worker import bucket
from tests.engine.toy import board, paint
from tests.ladder import shaky
from tests.ladder.conftest import Plant

SECONDS = 30.0


@pytest.fixture(autouse=True)
def card_takes_five(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like a card: other numbers than the CPU, and square canvases only."""
    five = property(lambda _: 5, lambda *_: None)
    monkeypatch.setattr(shaky.Cuda, "most", five, raising=False)
    square = lambda _, canvas: (max(canvas), max(canvas))  # noqa: E731
    monkeypatch.setattr(shaky.Cuda, "frame", square)


def photo(height: int = 320, width: int = 320) -> np.ndarray:
    image = board(height, width)
    paint(image, 0, 64, 96)
    return image


@contextmanager
def held(ladder: Ladder) -> Iterator[tuple[Batcher, threading.Event]]:
    """A batcher that begins when it is told to, so that all waits by then."""
    ladder.start()
    batcher = Batcher(ladder, bucket=bucket(ladder.workshop.manifest))
    go = threading.Event()
    batcher.thread.between(lambda: bool(go.wait(SECONDS)) or None)
    yield batcher, go
    go.set()
    batcher.close()


def looked_at(ladder: Ladder, photos: list[np.ndarray]) -> list[Seen]:
    with held(ladder) as (batcher, go):
        futures = [batcher.submit(one) for one in photos]
        go.set()
        seen = [future.result(SECONDS) for future in futures]
    assert {tuple(one.detections.class_ids) for one in seen} == {(0,)}
    return seen


def test_a_batch_is_as_large_as_the_rung_takes(plant: Plant) -> None:
    seen = looked_at(plant.ladder(), [photo()] * 7)
    assert [one.batch for one in seen] == [5] * 5 + [2] * 2


def test_it_changes_with_the_rung(plant: Plant) -> None:
    ladder = plant.ladder()
    with held(ladder) as (batcher, go):
        plant.break_("cuda", "error")
        futures = [batcher.submit(photo()) for _ in range(20)]
        go.set()
        seen = [future.result(SECONDS) for future in futures]
    assert [one.batch for one in seen] == [5] * 5 + [8] * 8 + [7] * 7
    assert {one.detector.backend for one in seen} == {"onnxruntime"}


@pytest.mark.parametrize(
    ("rung", "batches"), [("cuda", [4] * 4), ("openvino", [2] * 4)]
)
def test_what_shares_a_call_is_the_rungs_to_say(
    plant: Plant, rung: str, batches: list[int]
) -> None:
    photos = [photo(640, 320), photo(320, 640)] * 2
    seen = looked_at(plant.ladder(rung), photos)
    assert [one.batch for one in seen] == batches
    assert {one.detector.backend for one in seen} == {rung}
