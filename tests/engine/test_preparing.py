"""The kernel's own arithmetic, compiled for the host, against its twin on the CPU."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_worker.engine import gpu, preparing
from inference_worker.engine.errors import CameraMismatch, OutOfDeviceMemory
from inference_worker.engine.kernels import FOLDER, source
from inference_worker.engine.optics import Optics, Region, correct
from inference_worker.engine.preparing import Layer, Preparer
from inference_worker.engine.preprocess import letterbox, plan
from inference_worker.engine.types import Image
from tests.contract.host_gpu import COMPILER, HostDriver

pytestmark = pytest.mark.skipif(
    COMPILER is None, reason="no C++ compiler to run kernels on the host with"
)

SIZES = (512, 640, 1024)
LEVEL = 1 / 255


def photo(height: int, width: int, seed: int = 0) -> Image:
    """Noise beside edges beside slopes: what resizing can get wrong."""
    draw = np.random.default_rng(seed)
    image = draw.integers(0, 256, (height, width, 3), dtype=np.uint8)
    image[: height // 3] = np.linspace(0, 255, width).astype(np.uint8)[:, None]
    image[:, : width // 4] = 255 * (np.arange(height)[:, None, None] // 3 % 2)
    return image


def prepared(
    layers: Sequence[Layer], half: bool = False, driver: HostDriver | None = None
) -> np.ndarray:
    """(layers, 3, height, width) as the card makes it."""
    card = gpu.open_gpu(0, (driver or HostDriver(deferred=True)).binding)
    kind = np.float16 if half else np.float32
    canvas = layers[0].geometry.canvas
    planes = np.zeros((len(layers), 3, *canvas), kind)
    target, stream = card.alloc(planes.nbytes), card.stream()
    preparer = Preparer(card, half)
    preparer.prepare(layers, target, canvas, stream)
    card.download(planes, target, stream)
    stream.synchronize()
    preparer.close()
    return planes


def twin(layer: Layer) -> np.ndarray:
    image = layer.image
    if layer.optics is not None:
        image = correct(image, layer.optics)
    return letterbox(image, layer.geometry).transpose(2, 0, 1).astype(np.float32) / 255


def agree(layers: Sequence[Layer], half: bool = False) -> None:
    made = prepared(layers, half).astype(np.float32)
    wanted = np.stack([twin(layer) for layer in layers])
    assert np.abs(made - wanted).max() <= LEVEL


def whole(height: int, width: int, seed: int = 0) -> Layer:
    return Layer(photo(height, width, seed), plan(height, width, SIZES, 32))


@pytest.mark.parametrize(
    ("height", "width"),
    [
        *[(640, 640), (512, 512), (1024, 1024)],  # taken as they are
        *[(639, 641), (701, 643), (480, 640), (720, 700), (1100, 900)],  # bilinear
        *[(300, 200), (64, 64), (33, 500), (1, 1), (2, 700), (700, 1)],  # enlarged
        *[(1080, 1920), (2048, 2048), (2049, 2049), (2047, 1024)],  # half, and less
        *[(3000, 2200), (2100, 4096), (3, 4000)],  # by area
    ],
)
@pytest.mark.parametrize("half", [False, True])
def test_it_agrees_with_its_twin(height: int, width: int, half: bool) -> None:
    agree([whole(height, width)], half)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 1500), st.integers(1, 1500), st.integers(0, 99))
def test_it_agrees_at_any_size(height: int, width: int, seed: int) -> None:
    agree([whole(height, width, seed)])


@pytest.mark.parametrize(
    "fit", ["letterbox", "centre", "centre-unrounded", "corner", "stretch"]
)
@pytest.mark.parametrize("canvas", [(640, 640), (416, 608), (333, 205)])
def test_it_places_photos_as_other_runtimes_do(
    fit: str, canvas: tuple[int, int]
) -> None:
    for height, width in [(480, 640), (1500, 900), (120, 77)]:
        geometry = plan(height, width, (640,), 1, fit, canvas)
        agree([Layer(photo(height, width), geometry)])


def test_what_is_not_resized_is_not_changed() -> None:
    layer = whole(640, 640)
    assert (np.rint(prepared([layer])[0] * 255) == np.rint(twin(layer) * 255)).all()


def test_photos_of_different_sizes_share_a_launch() -> None:
    driver = HostDriver(deferred=True)
    sizes = [(640, 640), (1200, 1200), (2500, 2500), (700, 701), (300, 300)]
    layers = [
        Layer(photo(*size, seed=i), plan(*size, (640,), 32, canvas=(640, 640)))
        for i, size in enumerate(sizes)
    ]
    made = prepared(layers, driver=driver)
    wanted = np.stack([twin(layer) for layer in layers])
    assert np.abs(made - wanted).max() <= LEVEL
    assert driver.calls["launch"] == driver.calls["memcpy_htod_async"] == 1


CAMERA = (600.0, 598.0, 322.0, 241.0)
LENSES = {
    "barrel": (-0.25, 0.08, 0.001, -0.0005, 0.01),
    "pincushion, looking beyond the photo": (0.4, 0.1, 0.0, 0.0),
    "none": (),
}


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("denoise", [0, 100, 256])
@pytest.mark.parametrize("region", [None, Region(13, 41, 517, 300)])
def test_lens_denoise_and_region_agree(
    lens: str, denoise: int, region: Region | None
) -> None:
    optics = Optics((480, 640), CAMERA, LENSES[lens], region, denoise)
    height, width = optics.seen.height, optics.seen.width
    for sizes in [(640,), (512,), (160,)]:
        agree([Layer(photo(480, 640), plan(height, width, sizes, 32), optics)])


def test_a_lens_is_sent_to_the_card_once() -> None:
    driver = HostDriver()
    optics = Optics((480, 640), CAMERA, LENSES["barrel"])
    layer = Layer(photo(480, 640), plan(480, 640, SIZES, 32), optics)
    prepared([layer, layer], driver=driver)
    assert driver.calls["memcpy_htod_async"] == 3


def test_no_lens_gives_way_to_another_of_its_own_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Old ones do, and come again when they are needed."""
    monkeypatch.setattr(preparing, "_LENS_BYTES", 1)
    driver = HostDriver(deferred=True)
    card = gpu.open_gpu(0, driver.binding)
    lenses = [Optics((60, 80), CAMERA, (0.01 * n + 0.01, 0, 0, 0)) for n in range(12)]
    geometry = plan(60, 80, (160,), 32)
    planes = np.zeros((12, 3, *geometry.canvas), np.float32)
    target, stream = card.alloc(planes.nbytes), card.stream()
    preparer = Preparer(card, half=False)
    for some in (lenses, lenses[:1], lenses[3:9], lenses):
        layers = [Layer(photo(60, 80, n), geometry, one) for n, one in enumerate(some)]
        preparer.prepare(layers, target, geometry.canvas, stream)
        card.download(planes, target, stream)
        stream.synchronize()
        wanted = np.stack([twin(layer) for layer in layers])
        assert np.abs(planes[: len(some)] - wanted).max() <= LEVEL
    preparer.close()
    assert driver.taken_bytes == target.nbytes


def test_a_photo_of_another_size_than_calibrated_is_refused() -> None:
    optics = Optics((480, 640), CAMERA, LENSES["barrel"])
    layer = Layer(photo(600, 800), plan(600, 800, SIZES, 32), optics)
    for refused in (lambda: prepared([layer]), lambda: correct(layer.image, optics)):
        with pytest.raises(CameraMismatch, match="800 x 600.*640 x 480"):
            refused()


def test_buffers_grow_and_all_is_given_back() -> None:
    driver = HostDriver(deferred=True)
    card = gpu.open_gpu(0, driver.binding)
    target, stream = card.alloc(3 * 640 * 640 * 4), card.stream()
    preparer = Preparer(card, half=False)
    for size in (100, 2000, 100):
        layer = Layer(photo(size, size), plan(size, size, (640,), 32))
        preparer.prepare([layer], target, (640, 640), stream)
        stream.synchronize()
    assert driver.calls["mem_alloc"] == 1 + 2
    assert preparer.device_bytes >= 3 * 2000 * 2000
    preparer.close()
    assert driver.taken_bytes == target.nbytes


def test_a_batch_waits_until_the_one_before_has_gone_up() -> None:
    card = gpu.open_gpu(0, HostDriver(deferred=True).binding)
    shape = (2, 3, 640, 640)
    target, stream = card.alloc(4 * np.prod(shape, dtype=int)), card.stream()
    second = card.alloc(target.nbytes)
    preparer = Preparer(card, half=False)
    layers = [[whole(640, 640, seed)] * 2 for seed in (1, 2)]
    preparer.prepare(layers[0], target, (640, 640), stream)
    preparer.prepare(layers[1], second, (640, 640), stream)
    for memory, wanted in zip((target, second), layers, strict=True):
        planes = np.zeros(shape, np.float32)
        card.download(planes, memory, stream)
        stream.synchronize()
        assert np.abs(planes[1] - twin(wanted[1])).max() <= LEVEL


def test_a_card_that_is_full_says_so_and_the_next_batch_may_fit() -> None:
    driver = HostDriver()
    card = gpu.open_gpu(0, driver.binding)
    target, stream = card.alloc(3 * 640 * 640 * 4), card.stream()
    preparer = Preparer(card, half=False)
    layer = whole(640, 640)
    driver.fail("mem_alloc")
    with pytest.raises(OutOfDeviceMemory):
        preparer.prepare([layer], target, (640, 640), stream)
    preparer.prepare([layer], target, (640, 640), stream)


@pytest.mark.parametrize(
    "wrong",
    [
        {"region": Region(600, 0, 41, 10)},
        {"region": Region(0, 0, 0, 10)},
        {"distortion": (0.1, 0, 0, 0)},
        {"denoise": 257},
    ],
)
def test_optics_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="denoise|camera|lie in"):
        Optics((480, 640), **wrong)  # type: ignore[arg-type]


def test_a_region_is_what_is_left() -> None:
    region = Region(100, 50, 200, 300)
    assert correct(photo(480, 640), Optics((480, 640), region=region)).shape == (
        300,
        200,
        3,
    )


@pytest.mark.skipif(not shutil.which("nvcc"), reason="no nvcc to compile for cards")
@pytest.mark.parametrize("card", ["sm_75", "sm_90"])
@pytest.mark.parametrize(
    "kernels", sorted(FOLDER.glob("*.cu")), ids=lambda path: path.name
)
def test_nvcc_takes_the_kernels_as_pycuda_hands_them_over(
    tmp_path: Path, kernels: Path, card: str
) -> None:
    text = tmp_path / kernels.name
    text.write_text(f'extern "C" {{\n{source(kernels.name)}\n}}\n')
    command = ["nvcc", "--cubin", "-O3", "-arch", card, "-Werror", "all-warnings"]
    subprocess.run([*command, text, "-o", tmp_path / "out"], check=True)
