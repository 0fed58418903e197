"""Where boxes land: through the lens and out of the region, in every backend."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from inference_worker.engine import gpu
from inference_worker.engine.backends.base import Backend
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.errors import CameraMismatch
from inference_worker.engine.optics import Optics, Region, correct
from inference_worker.engine.preprocess import letterbox
from inference_worker.engine.types import Image
from tests.contract.host_gpu import COMPILER, HostDriver
from tests.engine.test_cuda import HostCuda
from tests.engine.test_infer import Fixed, manifest
from tests.engine.toy import CELL, board, toy_manifest, toy_network, traced

HEIGHT, WIDTH = 600, 800
CAMERA = (700.0, 690.0, 405.0, 296.0)
BARREL = (-0.25, 0.08, 0.001, -0.0005, 0.01)
REGION = Region(96, 64, 640, 480)
CAMERAS = {
    "a lens": Optics((HEIGHT, WIDTH), CAMERA, BARREL),
    "a lens and a region": Optics((HEIGHT, WIDTH), CAMERA, BARREL, REGION),
    "a region": Optics((HEIGHT, WIDTH), region=REGION),
    "all that there is": Optics((HEIGHT, WIDTH), CAMERA, BARREL, REGION, denoise=64),
}
SMALL = toy_manifest({})["input"] | {"sizes": [640]}


def ideal(optics: Optics) -> np.ndarray:
    """(height, width, 2) where a perfect camera would see what each pixel shows, by
    OpenCV's own way back.
    """
    height, width = optics.size
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    pixels = grid.reshape(-1, 1, 2).astype(np.float64)
    if optics.camera is None:
        return pixels.reshape(height, width, 2)
    fx, fy, cx, cy = optics.camera
    camera = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-9)
    lens = np.array(optics.distortion)
    seen = cv2.undistortImagePoints(pixels, camera, lens, None, stop)
    return np.asarray(seen).reshape(height, width, 2)


def painted(optics: Optics, class_id: int, column: int, row: int) -> Image:
    """A photo that shows, once corrected, one cell of the toy's grid in one colour."""
    x, y = np.moveaxis(ideal(optics), 2, 0)
    left, top = optics.seen.left + CELL * column, optics.seen.top + CELL * row
    inside = (x > left - 0.5) & (x < left + CELL - 0.5)
    inside &= (y > top - 0.5) & (y < top + CELL - 0.5)
    photo = board(*optics.size)
    photo[inside, class_id] = 255
    return photo


def around(photo: Image) -> list[int]:
    """Left, top, right, bottom of what is not black."""
    rows, columns = np.nonzero(photo.any(2))
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


# What a network sees, and where it was


@pytest.fixture(params=["openvino", "onnxruntime", "cuda"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param != "cuda":
        yield open_backend(
            request.param,
            manifest(input=SMALL),
            toy_network(),
            threads=1,
            precision="f32",
        )
        return
    if COMPILER is None:
        pytest.skip("no C++ compiler to run kernels on the host with")
    with gpu.bound_to(HostDriver().binding):
        opened = HostCuda(manifest(input=SMALL), toy_network(), precision="f32")
        yield opened
        opened.close()


@pytest.mark.parametrize("name", CAMERAS)
def test_boxes_are_in_pixels_of_the_photo_as_it_was_taken(
    backend: Backend, name: str
) -> None:
    if "lens" in name and CAMERAS[name].region is None:  # its 800 pixels are shrunk
        optics = Optics((480, 640), (600.0, 598.0, 322.0, 241.0), BARREL)
    else:
        optics = CAMERAS[name]
    for class_id, column, row in [(0, 0, 0), (1, 9, 7), (2, 18, 13), (0, 17, 1)]:
        photo = painted(optics, class_id, column, row)
        (found,) = backend.infer([photo], optics=[optics])
        assert found.class_ids.tolist() == [class_id]
        assert np.abs(found.boxes[0] - around(photo)).max() <= 1


def test_stations_share_a_call_and_each_gets_its_own_back(backend: Backend) -> None:
    cameras = [*list(CAMERAS.values())[1:], None]
    photos = [
        painted(optics, 1, 3, 11) if optics else board(480, 640) for optics in cameras
    ]
    photos[-1][:CELL, :CELL, 2] = 255
    together = backend.infer(photos, optics=cameras)
    for photo, optics, found in zip(photos, cameras, together, strict=True):
        (alone,) = backend.infer([photo], optics=[optics])
        assert np.allclose(found.boxes, alone.boxes, atol=0.01)
        assert np.abs(found.boxes[0] - around(photo)).max() <= 1


def test_a_lens_may_look_beside_the_photo_that_was_cut_out_of_its_picture() -> None:
    """Its calibration is the large one's, moved by where the cut begins."""
    whole = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    left, top = 500, 340
    cut = whole[top:, left:]
    moved = (*CAMERA[:2], CAMERA[2] - left, CAMERA[3] - top)
    optics = Optics(cut.shape[:2], moved, BARREL)
    known = Optics((HEIGHT, WIDTH), CAMERA, BARREL)
    inside = slice(8, -8), slice(8, -8)  # beyond the cut's edge the whole shows more
    expected = correct(whole, known)[top:, left:][inside]
    assert max(moved[2:]) < 0
    apart = np.abs(correct(cut, optics)[inside].astype(int) - expected)
    assert np.median(apart) == 0
    assert (apart <= 8).mean() > 0.99


def test_a_photo_of_another_size_is_refused(backend: Backend) -> None:
    with pytest.raises(CameraMismatch, match="640 x 480.*800 x 600"):
        backend.infer([board(480, 640)], optics=[CAMERAS["a lens"]])


def test_photos_of_unlike_cameras_fill_one_batch() -> None:
    watched = Fixed(np.zeros((1, 7)), input=SMALL)
    optics = [CAMERAS["a region"], CAMERAS["a lens and a region"], None]
    watched.infer([board(600, 800), board(600, 800), board(480, 640)], optics=optics)
    assert [pixels.shape for pixels in watched.seen] == [(3, 480, 640, 3)]


def test_without_optics_the_photo_itself_is_looked_at() -> None:
    image = board()
    (source,) = Fixed(np.zeros((1, 7))).sources([image], None, [None])
    assert source.layers[0] is image
    assert source.optics is None


def test_a_template_is_what_the_same_camera_saw() -> None:
    """Half as large is enough, as without optics."""
    optics = CAMERAS["all that there is"]
    watched = Fixed(np.zeros((1, 7)), input=SMALL | {"channels": 6})
    photo = traced(HEIGHT, WIDTH)
    watched.infer([photo], [photo], [optics])
    (pixels,) = watched.seen
    (source,) = watched.sources([photo], [photo], [optics])
    wanted = letterbox(correct(photo, optics), source.geometry)
    assert (pixels[0, ..., :3] == wanted).all()
    assert (pixels[0, ..., 3:] == wanted).all()
    small = cv2.resize(photo, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    watched.infer([photo], [np.asarray(small)], [optics])
    assert np.abs(watched.seen[-1][0, ..., 3:].astype(int) - wanted).mean() < 2


def test_a_template_beside_a_card_is_what_it_is_without_one() -> None:
    if COMPILER is None:
        pytest.skip("no C++ compiler to run kernels on the host with")
    optics = CAMERAS["all that there is"]
    network, about = toy_network(6), manifest(input=SMALL | {"channels": 6})
    photo = traced(HEIGHT, WIDTH)
    photo[painted(optics, 1, 4, 5).any(2)] = 0, 255, 0
    on_cpu = open_backend("onnxruntime", about, network, threads=1, precision="f32")
    (wanted,) = on_cpu.infer([photo], [traced(HEIGHT, WIDTH)], [optics])
    with gpu.bound_to(HostDriver().binding):
        on_card = HostCuda(about, network, precision="f32")
        (found,) = on_card.infer([photo], [traced(HEIGHT, WIDTH)], [optics])
        on_card.close()
    assert len(wanted) == 1
    assert np.allclose(found.boxes, wanted.boxes, atol=0.01)
