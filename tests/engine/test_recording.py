"""CUDA graphs of ONNX Runtime: recorded by each thread anew, while others keep still.

Its provider keeps a graph for each thread, and records in the mode in which no thread
of the process may take memory on a card, page-locked memory neither.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference_worker.engine import gpu
from inference_worker.engine.backends.cuda import _Fixed
from inference_worker.engine.errors import GpuError
from inference_worker.engine.gpu import Gpu
from inference_worker.engine.graphs import undisturbed, when_undisturbed
from inference_worker.engine.landing import Landing
from tests.contract.host_gpu import COMPILER, HostAllocation, HostDriver
from tests.engine.test_cuda import SMALL, HostCuda, coloured, manifest
from tests.engine.toy import toy_network

pytestmark = pytest.mark.skipif(
    COMPILER is None, reason="no C++ compiler to run kernels on the host with"
)

SECONDS = 20.0


class StrictDriver(HostDriver):
    """Refuses memory while something is recorded, and spoils the recording."""

    recording, spoilt = False, False

    def mem_alloc(self, nbytes: int) -> HostAllocation:
        self._allow()
        return super().mem_alloc(nbytes)

    def pagelocked_empty(self, shape: Any, dtype: Any) -> Any:
        self._allow()
        return super().pagelocked_empty(shape, dtype)

    def _allow(self) -> None:
        if self.recording:
            self.spoilt = True
            text = "cuMemHostAlloc failed: not permitted when stream is capturing"
            raise self.LogicError(text)


class ByThread:
    """A session that records its graph in the first run of each thread."""

    def __init__(self, session: Any, driver: StrictDriver) -> None:
        self._session, self._driver = session, driver
        self._known = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def __del__(self) -> None:
        """It gives its memory back."""
        self._driver.spoilt = self._driver.spoilt or self._driver.recording

    def run_with_iobinding(self, *bound: Any) -> None:
        if not hasattr(self._known, "recorded"):
            self._record()
        self._session.run_with_iobinding(*bound)

    def _record(self) -> None:
        driver = self._driver
        driver.recording, driver.spoilt = True, False
        time.sleep(0.02)
        driver.recording = False
        if driver.spoilt:
            raise RuntimeError(
                "CUDA failure 901: operation failed due to a previous error during "
                "capture ; GPU=0"
            )
        self._known.recorded = True


class RecordingCuda(HostCuda):
    """As on a card, but for where it computes."""

    def __init__(self, driver: StrictDriver) -> None:
        self._driver = driver
        super().__init__(manifest(input=SMALL), toy_network())
        self._records = True

    def _bound(self, *about: Any) -> _Fixed:
        fixed = super()._bound(*about)
        return replace(fixed, session=ByThread(fixed.session, self._driver))


@pytest.fixture
def driver() -> StrictDriver:
    return StrictDriver()


@pytest.fixture
def card(driver: StrictDriver) -> Gpu:
    return gpu.open_gpu(0, driver.binding)


@pytest.fixture
def cuda(driver: StrictDriver) -> Iterator[RecordingCuda]:
    with gpu.bound_to(driver.binding):
        backend = RecordingCuda(driver)
        backend.warm_up()
        yield backend
        backend.close()


@contextmanager
def decoding(cuda: RecordingCuda) -> Iterator[list[Exception]]:
    """Threads that take page-locked memory for photos all the time."""
    over, refused = threading.Event(), list[Exception]()

    def decode() -> None:
        while not over.wait(0.001):
            try:
                cuda.card.pinned((64,), np.uint8)
            except GpuError as error:
                refused.append(error)

    threads = [threading.Thread(target=decode) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield refused
    finally:
        over.set()
        for thread in threads:
            thread.join()


def on_another_thread(cuda: RecordingCuda, *counts: int) -> list[Exception]:
    """What looking at so many photos at once raised there."""
    raised: list[Exception] = []

    def look() -> None:
        for count in counts:
            try:
                cuda.infer([coloured(0)] * count)
            except Exception as error:
                raised.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()
    return raised


def test_a_thread_that_takes_the_traffic_over_records_in_peace(
    cuda: RecordingCuda,
) -> None:
    """It came up on another one, and cameras go on sending meanwhile."""
    with decoding(cuda) as refused:
        assert on_another_thread(cuda, 1, 2, 3, 8) == []
    assert refused == []


def test_photos_have_their_memory_again_once_all_is_recorded(
    cuda: RecordingCuda,
) -> None:
    assert on_another_thread(cuda, 1) == []
    with undisturbed():  # the thread that records may take some itself
        assert cuda.room(100) is not None
    assert cuda.room(200) is not None


def test_sessions_are_closed_when_nobody_records(
    cuda: RecordingCuda, driver: StrictDriver
) -> None:
    other = RecordingCuda(driver)
    other.infer([coloured(0)])

    def close() -> None:
        while not driver.recording:
            time.sleep(0.001)
        other.close()

    closing = threading.Thread(target=close)
    closing.start()
    assert on_another_thread(cuda, 1) == []
    closing.join(SECONDS)
    assert not closing.is_alive()


@contextmanager
def one_that_hangs() -> Iterator[None]:
    """A device, in the hands of another thread that is undisturbed."""
    begun, over = threading.Event(), threading.Event()

    def hang() -> None:
        with undisturbed():
            begun.set()
            assert over.wait(SECONDS)

    hanging = threading.Thread(target=hang)
    hanging.start()
    assert begun.wait(SECONDS)
    try:
        yield
    finally:
        over.set()
        hanging.join(SECONDS)
        assert not hanging.is_alive()


def in_time(work: Callable[[], object]) -> bool:
    """Whether it is done soon, though a device hangs."""
    doing = threading.Thread(target=work, daemon=True)
    with one_that_hangs():
        doing.start()
        doing.join(2.0)
        return not doing.is_alive()


def test_what_was_recorded_waits_for_nobody(cuda: RecordingCuda) -> None:
    for _ in range(3):
        cuda.infer([coloured(0)])
    began = time.monotonic()
    with one_that_hangs():
        cuda.infer([coloured(0)])
    assert time.monotonic() - began < SECONDS / 2


def test_photos_are_decoded_elsewhere_while_a_device_hangs(card: Gpu) -> None:
    """A better engine that never comes up must not take what runs along."""
    landing, found = Landing(card), []
    assert in_time(lambda: found.append(landing.room(100)))
    assert found == [None]
    assert landing.room(100) is not None


def test_whoever_forgets_a_photo_waits_for_no_device(
    card: Gpu, driver: StrictDriver
) -> None:
    """The collector runs finalizers on any thread, the watchdog's too."""
    photos = [card.pinned((64,), np.uint8)]
    assert driver.locked_bytes == 64
    assert in_time(photos.clear)
    assert driver.locked_bytes == 0  # the one that hung has seen to it


def test_what_waited_for_a_recording_is_done_in_its_order() -> None:
    """One after another, though each is undisturbed itself."""
    done, many = list[int](), 1000

    def note(n: int) -> None:
        for _ in range(2):
            with undisturbed():
                pass
        done.append(n)

    with one_that_hangs():
        for n in range(many):
            when_undisturbed(note, n)
        assert done == []
    assert done == list(range(many))
