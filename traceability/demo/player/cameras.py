"""What the demo's cameras do: draw, upload, and never run far ahead of the detector."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_EXCEPTION,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import suppress

from traceability.demo.photos import Photo, draw, use_one_core
from traceability.demo.player.client import ApiError, Client

ADDRESS = "/api/v1/inspections/"
DRAWERS = 2
CAMERAS = 4
BACKLOG = 100
"""Cameras wait while this many photos are uploaded and not inspected yet."""
POLL_SECONDS = 1.5
STALLED_SECONDS = 120.0

Advance = Callable[[int], None]


class Backlog:
    """Watches how many uploads wait for the detector, and holds the cameras back."""

    def __init__(self, client: Client, inspected: Advance) -> None:
        self._client = client
        self._inspected = inspected
        self._lock = threading.Lock()
        self._uploaded = 0
        self._done = 0
        self._last_progress = time.monotonic()
        self.free = threading.Event()
        self.free.set()

    def add(self) -> None:
        """One more photo was uploaded."""
        with self._lock:
            self._uploaded += 1
            if self._uploaded - self._done >= BACKLOG:
                self.free.clear()

    def look(self) -> int:
        """Ask the server how many wait.

        :raises ApiError: when the detector has done nothing for `STALLED_SECONDS`.
        """
        with self._lock:
            uploaded = self._uploaded
        page = self._client.get(ADDRESS, state="pending", page_size=2 * BACKLOG)
        waiting = len(page["results"])
        done = max(self._done, uploaded - waiting)
        if done > self._done or not waiting:
            self._last_progress = time.monotonic()
        self._inspected(done - self._done)
        with self._lock:
            self._done = done
            if waiting < BACKLOG:
                self.free.set()
        if time.monotonic() - self._last_progress > STALLED_SECONDS:
            raise ApiError(f"{waiting} photos wait and none was inspected lately.")
        return waiting


def take_photos(
    new_client: Callable[[], Client],
    photos: Sequence[Photo],
    uploaded: Advance,
    inspected: Advance,
) -> None:
    """Draw and upload all photos, and return once every one is inspected."""
    backlog = Backlog(new_client(), inspected)
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(DRAWERS, spawn, initializer=use_one_core) as drawers,
        ThreadPoolExecutor(CAMERAS) as cameras,
    ):
        camera = _Camera(new_client, drawers, backlog, uploaded)
        shots = [cameras.submit(camera.shoot, photo) for photo in photos]
        try:
            _follow(shots, backlog)
        except BaseException:
            camera.stop()
            cameras.shutdown(wait=False, cancel_futures=True)
            raise


def _follow(shots: list[Future[None]], backlog: Backlog) -> None:
    """Until all are uploaded and inspected; the first failure ends it."""
    remaining = set(shots)
    while remaining or backlog.look():
        if remaining:
            backlog.look()
        done, remaining = wait(remaining, POLL_SECONDS, FIRST_EXCEPTION)
        for shot in done:
            shot.result()
        if not remaining:
            time.sleep(POLL_SECONDS / 4)


class _Camera:
    """Takes one photo after the other; every thread keeps a connection of its own."""

    def __init__(
        self,
        new_client: Callable[[], Client],
        drawers: Executor,
        backlog: Backlog,
        uploaded: Advance,
    ) -> None:
        self._new_client = new_client
        self._drawers = drawers
        self._backlog = backlog
        self._uploaded = uploaded
        self._own = threading.local()
        self._stopped = False

    def shoot(self, photo: Photo) -> None:
        drawn = self._drawers.submit(draw, photo)
        self._backlog.free.wait()
        if self._stopped:
            return
        self._client.upload(ADDRESS, photo.form, drawn.result())
        self._backlog.add()
        self._uploaded(1)

    def stop(self) -> None:
        self._stopped = True
        self._backlog.free.set()

    @property
    def _client(self) -> Client:
        with suppress(AttributeError):
            found: Client = self._own.client
            return found
        self._own.client = self._new_client()
        return self._client
