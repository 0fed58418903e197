"""Photos decoded into page-locked memory, and what goes up from there."""

from __future__ import annotations

import gc

import cv2
import numpy as np
import pytest

from inference_worker.engine import gpu
from inference_worker.engine.decode import decode
from inference_worker.engine.errors import ImageUnreadable
from inference_worker.engine.gpu import Gpu
from inference_worker.engine.landing import Landing
from inference_worker.engine.preparing import Layer, Preparer
from inference_worker.engine.preprocess import plan
from inference_worker.engine.types import Image
from tests.contract.host_gpu import COMPILER, HostDriver

MEGABYTE = 2**20


@pytest.fixture
def driver() -> HostDriver:
    return HostDriver(deferred=True)


@pytest.fixture
def card(driver: HostDriver) -> Gpu:
    return gpu.open_gpu(0, driver.binding)


def jpeg(
    height: int = 300, width: int = 400, seed: int = 0, grey: bool = False
) -> bytes:
    draw = np.random.default_rng(seed)
    image = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", image[..., 0] if grey else image)[1].tobytes())


@pytest.mark.parametrize("grey", [False, True])
def test_a_jpeg_comes_to_lie_there_and_is_the_same(card: Gpu, grey: bool) -> None:
    landing, data = Landing(card), jpeg(grey=grey)
    image = decode(data, landing.room)
    assert landing.holds(image)
    np.testing.assert_array_equal(image, decode(data))
    assert not landing.holds(decode(data))
    assert not landing.holds(image[1:])
    assert not landing.holds(image[:, 1:])


def test_memory_is_used_again_but_never_while_a_view_is_left(card: Gpu) -> None:
    landing = Landing(card)
    image = decode(jpeg(seed=1), landing.room)
    kept, wanted = image[100:, ::2], image[100:, ::2].copy()
    del image
    gc.collect()
    others = [decode(jpeg(seed=seed), landing.room) for seed in range(2, 6)]
    np.testing.assert_array_equal(kept, wanted)
    places = {_start(other) for other in others}
    assert len(places) == 4
    del others, kept
    gc.collect()
    again = [decode(jpeg(seed=seed), landing.room) for seed in range(5)]
    assert places < {_start(one) for one in again}


def test_it_has_an_end_and_other_sizes_give_way(card: Gpu) -> None:
    landing = Landing(card, most_bytes=4 * MEGABYTE)
    small = [landing.room(MEGABYTE) for _ in range(4)]
    assert all(one is not None for one in small)
    assert landing.room(MEGABYTE) is None
    assert landing.room(3 * MEGABYTE) is None
    del small[1:]
    large = landing.room(3 * MEGABYTE)
    assert large is not None
    assert landing.holds(large)
    assert landing.room(1) is None


def test_memory_is_unlocked_when_nobody_needs_it(card: Gpu, driver: HostDriver) -> None:
    """On whatever thread: PyCUDA alone would keep it from all programs."""
    landing = Landing(card, most_bytes=4 * MEGABYTE)
    small = [landing.room(MEGABYTE) for _ in range(4)]
    assert driver.locked_bytes == 4 * MEGABYTE
    del small
    large = landing.room(3 * MEGABYTE)
    assert driver.locked_bytes == 4 * MEGABYTE
    del landing
    gc.collect()
    assert driver.locked_bytes == 3 * MEGABYTE
    del large
    gc.collect()
    assert driver.locked_bytes == 0


def test_a_full_or_lost_card_leaves_photos_where_they_are(
    card: Gpu, driver: HostDriver
) -> None:
    landing = Landing(card)
    driver.fail("pagelocked_empty")
    image = decode(jpeg(), landing.room)
    assert not landing.holds(image)
    assert landing.holds(decode(jpeg(), landing.room))


def test_a_damaged_photo_gives_its_place_back(card: Gpu) -> None:
    landing = Landing(card, most_bytes=MEGABYTE)
    for _ in range(3):
        with pytest.raises(ImageUnreadable):
            decode(jpeg()[:-200], landing.room)
        gc.collect()
    assert landing.holds(decode(jpeg(), landing.room))


def test_a_jpeg_that_says_two_sizes_cannot_write_beyond_its_place(card: Gpu) -> None:
    """Our own look at the header finds the first frame; libjpeg may find another."""
    small, large = jpeg(16, 16), jpeg(300, 400)
    at = small.index(b"\xff\xc0")
    length = int.from_bytes(small[at + 2 : at + 4], "big") + 2
    frame = small[at : at + length]
    with pytest.raises(ImageUnreadable):
        decode(large[:2] + frame + large[2:], Landing(card).room)


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler for the kernels")
def test_photos_from_there_and_from_elsewhere_share_a_batch(card: Gpu) -> None:
    preparer, sizes = Preparer(card, half=False), [(300, 400), (200, 640), (512, 300)]
    room = preparer.landing.room
    plain = [decode(jpeg(*size, seed=n)) for n, size in enumerate(sizes * 2)]
    mixed = [
        decode(jpeg(*size, seed=n), room if n % 3 else None)
        for n, size in enumerate(sizes * 2)
    ]
    assert [preparer.landing.holds(one) for one in mixed] == [
        bool(n % 3) for n in range(6)
    ]
    np.testing.assert_array_equal(
        _planes(card, preparer, mixed), _planes(card, preparer, plain)
    )
    preparer.close()


def _planes(card: Gpu, preparer: Preparer, images: list[Image]) -> np.ndarray:
    layers = [
        Layer(image, plan(*image.shape[:2], [512], 32, canvas=(512, 512)))
        for image in images
    ]
    planes = np.zeros((len(layers), 3, 512, 512), np.float32)
    target, stream = card.alloc(planes.nbytes), card.stream()
    preparer.prepare(layers, target, (512, 512), stream)
    card.download(planes, target, stream)
    stream.synchronize()
    target.free()
    return planes


def _start(image: Image) -> int:
    start: int = image.__array_interface__["data"][0]
    return start
