"""Photos of cameras that were calibrated, on their way through the batcher."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from inference_worker.batcher import Batcher
from inference_worker.engine.api import Detector, load_folder
from inference_worker.engine.errors import CameraMismatch
from inference_worker.engine.optics import Optics, Region
from inference_worker.engine.types import Image
from inference_worker.ladder.standing import Looked
from inference_worker.worker import bucket
from tests.engine.toy import board, paint, write_toy

SECONDS = 30
LEFT = Optics((600, 800), region=Region(0, 0, 640, 480))
RIGHT = Optics((500, 700), region=Region(60, 20, 640, 480))


class Held:
    """A detector that waits until it is let go, and counts what came together."""

    wants_templates = False

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.free = threading.Event()
        self.counts: list[int] = []

    def infer(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None = None,
        optics: Sequence[Optics | None] | None = None,
    ) -> Looked:
        assert self.free.wait(SECONDS)
        self.counts.append(len(images))
        return Looked(self.detector.infer(images, templates, optics), self.detector)

    @property
    def most(self) -> int:
        return self.detector.runner.most

    def frame(self, canvas: tuple[int, int]) -> tuple[int, int]:
        return self.detector.runner.frame(canvas)

    def close(self) -> None:
        self.detector.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Held, Batcher]]:
    detector = load_folder(write_toy(tmp_path), precision="f32", threads=1)
    looker = Held(detector)
    batcher = Batcher(looker, bucket=bucket(detector.runner.manifest))
    yield looker, batcher
    looker.free.set()
    batcher.close()


def test_photos_of_different_stations_share_a_batch(
    held: tuple[Held, Batcher],
) -> None:
    looker, batcher = held
    first = batcher.submit(board())
    photos = [board(600, 800), board(500, 700), board(480, 640)]
    paint(photos[0], 0, 320, 96)
    paint(photos[1], 1, 60 + 320, 20 + 96)
    paint(photos[2], 2, 320, 96)
    cameras = [LEFT, RIGHT, None]
    futures = [
        batcher.submit(photo, optics=optics)
        for photo, optics in zip(photos, cameras, strict=True)
    ]
    looker.free.set()
    boxes = [future.result(SECONDS).detections.boxes[0] for future in futures]
    assert np.rint(boxes).tolist() == [
        [320, 96, 352, 128],
        [380, 116, 412, 148],
        [320, 96, 352, 128],
    ]
    assert len(first.result(SECONDS).detections) == 0
    assert looker.counts == [1, 3]


def test_a_photo_of_another_size_never_joins_a_batch(
    held: tuple[Held, Batcher],
) -> None:
    with pytest.raises(CameraMismatch):
        held[1].submit(board(), optics=LEFT)
