"""Photos of cameras that were calibrated, on their way through the worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.utils import timezone

from inference_worker.batcher import Batcher
from inference_worker.desk import Desk
from inference_worker.engine.api import Detector, load_folder
from inference_worker.engine.errors import CameraMismatch
from inference_worker.engine.optics import Optics, Region, maps
from inference_worker.engine.types import Image
from inference_worker.ladder.standing import Looked
from inference_worker.stations import optics_of
from inference_worker.worker import bucket
from tests.engine.test_optics import BARREL, around, painted
from tests.engine.toy import board, paint, write_toy
from tests.worker.test_desk import inspection_of, states, survivor
from traceability.catalog.models import Station
from traceability.inspection import cameras
from traceability.inspection.models import Image as Photograph
from traceability.jobs.models import Job

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


# Through the desk, as the database has them

CAMERA = [600.0, 598.0, 322.0, 241.0]
Taken = Callable[[Image, cameras.Optics | None], Job]


def png(photo: Image) -> bytes:
    return cv2.imencode(".png", photo[..., ::-1])[1].tobytes()


@pytest.fixture
def stored(station: Station) -> Callable[..., cameras.Optics]:
    """A station's optics, which are its active ones."""

    def store(**values: object) -> cameras.Optics:
        now = timezone.now()
        cameras.Optics.objects.update(retired_at=now)
        size = {"width": 640, "height": 480, "created_at": now}
        return cameras.Optics.objects.create(station=station, **{**size, **values})

    return store


@pytest.fixture
def taken(photo: Callable[[bytes], Job]) -> Taken:
    """A photo that came in while its station had these optics."""

    def store(pixels: Image, row: cameras.Optics | None) -> Job:
        job = photo(png(pixels))
        mine = Photograph.objects.filter(pk=inspection_of(job).image_id)
        height, width = pixels.shape[:2]
        mine.update(optics=row, width=width, height=height)
        return job

    return store


def box_of(job: Job) -> list[float]:
    (defect,) = inspection_of(job).defects.all()
    return [
        defect.x,
        defect.y,
        defect.x + defect.width,
        defect.y + defect.height,
    ]


@pytest.mark.parametrize("apart", [False, True])
def test_a_defect_is_written_where_the_photo_shows_it(
    desk: Desk, taken: Taken, stored: Callable[..., cameras.Optics], apart: bool
) -> None:
    row = stored(camera=CAMERA, distortion=list(BARREL), denoise=40)
    optics = optics_of(row)
    assert optics is not None
    for class_id, column, line in [(0, 1, 13), (2, 18, 2)]:
        pixels = painted(optics, class_id, column, line)
        job = taken(pixels, row)
        if apart:
            survivor(job, deaths=2)
        desk.inspect(job.id)
        assert states(job) == ("succeeded", "done", "")
        assert np.abs(np.array(box_of(job)) - around(pixels)).max() <= 1
    assert optics.denoise == 102


def test_new_optics_count_from_the_next_photo_on(
    desk: Desk, taken: Taken, stored: Callable[..., cameras.Optics]
) -> None:
    """Photos of before and after go together, each through its own."""
    pixels = board(480, 640)
    paint(pixels, 1, 96, 64)
    first = stored(region=[96, 64, 512, 320])
    second = stored(region=[32, 32, 512, 320])
    beside = stored(region=[128, 64, 512, 320])
    rows = [None, first, second, beside] * 3
    jobs = [taken(pixels, row) for row in rows]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: desk.inspect(job.id), jobs))
    for job, row in zip(jobs, rows, strict=True):
        assert states(job) == ("succeeded", "done", "")
        if row is beside:
            assert not inspection_of(job).defects.exists(), "it lies in no region"
        else:
            assert np.abs(np.array(box_of(job)) - [96, 64, 128, 96]).max() <= 1


@pytest.mark.parametrize("apart", [False, True])
def test_a_photo_of_another_size_is_refused_with_both_sizes(
    desk: Desk, taken: Taken, stored: Callable[..., cameras.Optics], apart: bool
) -> None:
    row = stored(camera=CAMERA, distortion=list(BARREL))
    job = taken(board(), row)
    if apart:
        survivor(job, deaths=2)
    desk.inspect(job.id)
    assert states(job) == ("failed", "failed", "camera_mismatch")
    message = inspection_of(job).error_message
    assert "640 x 640" in message
    assert "640 x 480" in message


def test_maps_of_a_station_are_computed_once(
    desk: Desk, taken: Taken, stored: Callable[..., cameras.Optics]
) -> None:
    row = stored(camera=CAMERA, distortion=list(BARREL))
    optics = optics_of(row)
    assert optics is not None
    before = maps(optics)[0]
    for _ in range(2):
        job = taken(board(480, 640), row)
        desk.inspect(job.id)
        assert states(job) == ("succeeded", "done", "")
    again = optics_of(cameras.Optics.objects.get())
    assert again is not None
    assert again is not optics
    assert maps(again)[0] is before
