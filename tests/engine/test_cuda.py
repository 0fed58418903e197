"""The CUDA rung, its card and its provider the host's: everything but the speed."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import pytest

from inference_worker.engine import gpu
from inference_worker.engine.backends.cuda import SLOTS, CudaBackend
from inference_worker.engine.backends.device import MOST, DeviceBackend, Shape
from inference_worker.engine.backends.fixed_shape import Network
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.errors import (
    BackendUnavailable,
    DeviceLost,
    InferenceFailed,
    LoadFailed,
    OutOfDeviceMemory,
)
from inference_worker.engine.finding import LISTED
from inference_worker.engine.gpu import Memory, Stream
from inference_worker.engine.manifest import Manifest, canonical
from inference_worker.engine.postprocess import find
from inference_worker.engine.types import Detections, FloatArray
from tests.contract.host_gpu import COMPILER, HostDriver
from tests.engine.toy import board, paint, toy_manifest, toy_network, traced

pytestmark = pytest.mark.skipif(
    COMPILER is None, reason="no C++ compiler to run kernels on the host with"
)


def manifest(**changes: Any) -> Manifest:
    return Manifest.parse(canonical(toy_manifest({"model.onnx": b"x"}, **changes)))


SMALL = toy_manifest({})["input"] | {"sizes": [64, 128]}


class HostCuda(CudaBackend):
    """On the processor, whose pointers are the double's."""

    provider = "CPUExecutionProvider"
    device = "cpu"


class Painted(DeviceBackend):
    """Says for each image what its first pixel is, when the stream comes to it."""

    name = "painted"
    precision = "f32"

    def __init__(self, driver: HostDriver, **changes: Any) -> None:
        with gpu.bound_to(driver.binding):
            super().__init__(manifest(**changes), gpu.open_gpu(), half=False)
        self.driver = driver
        self.shapes: list[Shape] = []
        self.answer = self.alloc(4 * MOST * 7)

    def enqueue(
        self, source: Memory, shape: Shape, stream: Stream
    ) -> tuple[Memory, tuple[int, ...]]:
        self.shapes.append(shape)
        self.driver.in_stream(stream.handle, lambda: self._run_now(source, shape))
        return self.answer, (shape[0], 1, 7)

    def _run_now(self, source: Memory, shape: Shape) -> None:
        planes = _at(source.pointer, shape)
        answer = _at(self.answer.pointer, (shape[0], 1, 7))
        answer[:, 0, :4] = 0, 0, 32, 32
        answer[:, 0, 4:] = planes[:, :3, 0, 0]


class Given(Painted):
    """Says what it is told to, whatever the photo shows."""

    def __init__(self, driver: HostDriver, says: FloatArray) -> None:
        super().__init__(driver, input=SMALL)
        self.says = says
        self.answer = self.alloc(says.nbytes)

    def enqueue(
        self, source: Memory, shape: Shape, stream: Stream
    ) -> tuple[Memory, tuple[int, ...]]:
        self.card.upload(self.answer, self.says, stream)
        return self.answer, self.says.shape


def _at(pointer: int, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape))
    return np.ctypeslib.as_array((ctypes.c_float * size).from_address(pointer)).reshape(
        shape
    )


def coloured(class_id: int, height: int = 64, width: int = 64) -> np.ndarray:
    image = board(height, width)
    paint(image, class_id, 0, 0)
    return image


def described(found: Detections) -> list[tuple[int, list[float]]]:
    return [
        (int(i), np.round(box, 1).tolist())
        for i, box in zip(found.class_ids, found.boxes, strict=True)
    ]


@pytest.fixture
def driver() -> HostDriver:
    return HostDriver()


@pytest.fixture
def on_host(driver: HostDriver) -> Iterator[HostDriver]:
    with gpu.bound_to(driver.binding):
        yield driver


# What all backends on a card share


def test_each_image_gets_its_own_answer_in_its_place() -> None:
    backend = Painted(HostDriver(deferred=True), input=SMALL)
    images = [coloured(i % 3, *((64, 64) if i % 2 else (128, 96))) for i in range(9)]
    found = backend.infer(images)
    assert [int(one.class_ids[0]) for one in found] == [i % 3 for i in range(9)]
    assert sorted(shape[0] for shape in backend.shapes) == [4, 5]


def test_a_call_takes_more_than_the_processor_does_and_no_more_than_most() -> None:
    backend = Painted(HostDriver(deferred=True), input=SMALL)
    assert len(backend.infer([coloured(0)] * (MOST + 1))) == MOST + 1
    assert [shape[0] for shape in backend.shapes] == [MOST, 1]


def test_a_small_card_takes_smaller_batches() -> None:
    backend = Painted(HostDriver(total=16 * 2**30), input=SMALL)
    backend.infer([coloured(0)] * 9)
    assert [shape[0] for shape in backend.shapes] == [8, 1]


def test_a_batch_is_five_launches_and_waited_for_once() -> None:
    driver = HostDriver(deferred=True)
    backend = Painted(driver, input=SMALL)
    images = [coloured(i % 3) for i in range(8)]
    backend.infer(images)
    driver.calls.clear()
    backend.infer(images)
    assert driver.calls["memcpy_htod_async"] == 2  # photos, and what is asked
    assert driver.calls["launch"] == 5  # planes, and boxes
    assert driver.calls["memcpy_dtoh_async"] == driver.calls["stream.synchronize"] == 1
    assert driver.calls["mem_alloc"] == driver.calls["pagelocked_empty"] == 0


def test_a_crowd_that_the_card_does_not_list_is_looked_through_by_the_host() -> None:
    boxes = np.tile(np.float32([0, 0, 9, 9]), (LISTED + 1, 1))
    boxes += 10 * np.arange(LISTED + 1, dtype=np.float32)[:, None] % 50
    scores = np.random.default_rng(0).uniform(0.6, 1, (LISTED + 1, 3))
    says = np.hstack([boxes, scores]).astype(np.float32)[None]
    backend = Given(HostDriver(deferred=True), says)
    (found,) = backend.infer([coloured(0)])
    geometry, spec = backend.geometry(64, 64), backend.manifest
    wanted = find(says[0], geometry, spec.threshold, spec.nms_iou)
    assert found.scores.tolist() == wanted.scores.tolist()
    assert len(found) > 10


def test_measuring_is_told_of_every_class() -> None:
    says = np.float32([[[0, 0, 32, 32, 0.9, 0.2, 0.8]]])
    backend = Given(HostDriver(deferred=True), says)
    (guesses,) = backend.guess([coloured(0)], None, 0.3)
    assert guesses.seen.class_ids.tolist() == [0]
    assert guesses.every.class_ids.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (np.full((1, 9, 7), np.nan, np.float32), "NaN"),
        (np.zeros((1, 9, 8), np.float32), r"\(1, 9, 8\), expected \(1, anchors, 7\)"),
        (np.zeros((1, 63), np.float32), r"\(1, 63\)"),
    ],
)
def test_an_output_that_makes_no_sense_is_no_clean_board(
    says: FloatArray, words: str
) -> None:
    backend = Given(HostDriver(deferred=True), says)
    with pytest.raises(InferenceFailed, match=words):
        backend.infer([coloured(0)])


def test_photos_too_large_for_one_upload_go_in_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "inference_worker.engine.backends.device._MOST_BYTES", 2 * 64 * 64 * 3
    )
    backend = Painted(HostDriver(), input=SMALL)
    found = backend.infer([coloured(i % 3) for i in range(5)])
    assert [shape[0] for shape in backend.shapes] == [2, 2, 1]
    assert [int(one.class_ids[0]) for one in found] == [0, 1, 2, 0, 1]


def test_it_says_what_it_holds_and_gives_all_back() -> None:
    driver = HostDriver()
    backend = Painted(driver, input=SMALL)
    backend.infer([coloured(0)])
    assert backend.device_bytes == driver.taken_bytes > 0
    backend.close()
    assert driver.taken_bytes == 0


def test_a_lost_card_is_told_as_such() -> None:
    driver = HostDriver()
    backend = Painted(driver, input=SMALL)
    driver.lose()
    with pytest.raises(DeviceLost):
        backend.infer([coloured(0)])


def test_a_full_card_fails_one_batch_only() -> None:
    driver = HostDriver()
    backend = Painted(driver, input=SMALL)
    driver.fail("mem_alloc")
    with pytest.raises(OutOfDeviceMemory):
        backend.infer([coloured(0)])
    assert len(backend.infer([coloured(0)])) == 1


def test_an_image_smoothed_by_pillow_is_prepared_on_the_host() -> None:
    pytest.importorskip("PIL")
    smooth = SMALL | {"sizes": [128], "fit": "stretch-smooth", "canvas": [128, 96]}
    backend = Painted(HostDriver(), input=smooth)
    (found,) = backend.infer([coloured(1, 200, 300)])
    assert found.class_ids.tolist() == [1]
    assert backend.shapes == [(1, 3, 128, 96)]


# CUDA


@pytest.mark.parametrize("precision", ["f16", "f32"])
def test_it_sees_what_the_processor_sees(on_host: HostDriver, precision: str) -> None:
    cuda = HostCuda(manifest(input=SMALL), toy_network(), precision=precision)
    plain = open_backend("onnxruntime", manifest(input=SMALL), toy_network(), threads=1)
    draw = np.random.default_rng(3)
    images = []
    for height, width in [(64, 64), (128, 96), (300, 200), (50, 70), (64, 64)]:
        cells = draw.integers(0, 2, (height // 32 + 1, width // 32 + 1, 3)) * 255
        image = np.kron(cells, np.ones((32, 32, 1)))[:height, :width]
        images.append(np.ascontiguousarray(image.astype(np.uint8)))
    mine, theirs = cuda.infer(images), plain.infer(images)
    assert [described(one) for one in mine] == [described(one) for one in theirs]
    assert sum(map(len, mine)) > 20
    assert cuda.precision == precision
    cuda.close()


def test_templates_go_beside_their_images(on_host: HostDriver) -> None:
    six = manifest(input=SMALL | {"channels": 6, "sizes": [640]})
    cuda = HostCuda(six, toy_network(channels=6))
    image = traced()
    paint(image, 0, left=64, top=32)
    (found,) = cuda.infer([image], [traced()])
    assert described(found) == [(0, [64, 32, 96, 64])]


def test_warming_up_opens_every_shape_and_traffic_none(on_host: HostDriver) -> None:
    cuda = HostCuda(manifest(input=SMALL), toy_network())
    cuda.warm_up()
    opened = dict(cuda._fixed)
    assert sorted(opened) == sorted(
        (count, 3, size, size) for count in SLOTS for size in (64, 128)
    )
    cuda.infer([coloured(0, 64, 48)] * 5 + [coloured(1, 100, 128)] * 3)
    assert cuda._fixed == opened


def test_closing_gives_the_card_back(on_host: HostDriver) -> None:
    cuda = HostCuda(manifest(input=SMALL), toy_network())
    cuda.infer([coloured(0)])
    cuda.close()
    assert on_host.taken_bytes == 0


def test_the_provider_is_given_our_stream_and_a_limit(on_host: HostDriver) -> None:
    tuning = {"cudnn_conv_algo_search": "EXHAUSTIVE"}
    cuda = HostCuda(manifest(input=SMALL), toy_network(), tuning=tuning)
    options = cuda._provider_options(cuda.stream)
    assert options["user_compute_stream"] == str(cuda.stream.handle)
    assert options["arena_extend_strategy"] == "kSameAsRequested"
    assert 0 < int(options["gpu_mem_limit"]) < cuda.card.total_bytes / 3
    assert options["cudnn_conv_algo_search"] == "EXHAUSTIVE"


FULL = (  # as ONNX Runtime 1.31 said it on an H100 that another process had filled
    "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:146"
    " std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall"
    "(ERRTYPE, const char*, int) [with ERRTYPE = cublasStatus_t; bool THRW = true]"
    " CUBLAS failure 3: the resource allocation failed ; GPU=0 ; hostname=line-4 ;"
    " file=cuda_stream_handle.cc ; line=66 ; expr=cublasCreate(&cublas_handle_);"
)


def test_what_the_provider_raises_is_told_as_what_it_was(on_host: HostDriver) -> None:
    cuda = HostCuda(manifest(input=SMALL), toy_network())
    told = cuda._translated(RuntimeError(FULL))
    assert isinstance(told, OutOfDeviceMemory)
    assert str(told) == (
        "ONNX Runtime: CUBLAS failure 3: the resource allocation failed"
    )
    full = RuntimeError("CUDA failure 2: out of memory ; GPU=0")
    assert isinstance(cuda._translated(full), OutOfDeviceMemory)
    assert isinstance(cuda._translated(RuntimeError("bad node")), InferenceFailed)
    on_host.lose()
    with pytest.raises(DeviceLost):
        cuda._translated(RuntimeError("CUDA failure 700: illegal memory access"))


def test_an_onnx_runtime_without_cuda_says_what_to_install(on_host: HostDriver) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(BackendUnavailable) as caught:
        open_backend("cuda", manifest(), toy_network())
    assert "requirements-gpu" in caught.value.hint


@pytest.mark.parametrize("precision", ["int8", "bf16"])
def test_another_precision_is_refused(on_host: HostDriver, precision: str) -> None:
    with pytest.raises(LoadFailed, match=precision):
        HostCuda(manifest(), toy_network(), precision=precision)


@pytest.mark.parametrize("model", [b"not a network", toy_network(channels=6)])
def test_a_model_that_cannot_run_is_not_loaded(
    on_host: HostDriver, model: bytes
) -> None:
    with pytest.raises(LoadFailed):
        HostCuda(manifest(input=SMALL), model).warm_up()


def test_an_output_whose_size_only_running_tells_is_learnt(
    on_host: HostDriver,
) -> None:
    cuda = HostCuda(manifest(input=SMALL), cut_by_its_content(), precision="f32")
    (found,) = cuda.infer([coloured(1)])
    assert described(found) == [(1, [0, 0, 32, 32])]


def cut_by_its_content() -> bytes:
    """The toy, its anchors sliced at a place that is computed from the picture."""
    model = onnx.load_from_string(toy_network())
    graph, node = model.graph, onnx.helper.make_node
    graph.node[-1].output[0] = "all"
    many = onnx.numpy_helper.from_array(np.array(10**6, np.float32), "many")
    graph.initializer.append(many)
    graph.node.extend(
        [
            node("ReduceMax", ["images"], ["brightest"], keepdims=0),
            node("Add", ["brightest", "many"], ["far"]),
            node("Cast", ["far"], ["whole"], to=onnx.TensorProto.INT64),
            node("Unsqueeze", ["whole", "zero"], ["end"]),
            node("Slice", ["all", "zero", "end", "one"], ["preds"]),
        ]
    )
    return bytes(model.SerializeToString())


# The graph


def test_a_graph_in_half_takes_halves_and_gives_the_same() -> None:
    import onnxruntime

    network = toy_network()
    half = Network.of(network, half=True).at((2, 3, 64, 96))
    (source,) = onnx.load_from_string(half).graph.input
    assert source.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    images = np.random.default_rng(1).random((2, 3, 64, 96), np.float32)
    cpu = ["CPUExecutionProvider"]
    (wanted,) = onnxruntime.InferenceSession(network, providers=cpu).run(
        None, {"images": images}
    )
    (came,) = onnxruntime.InferenceSession(half, providers=cpu).run(
        None, {source.name: images.astype(np.float16)}
    )
    assert came.dtype == np.float32
    assert np.abs(came - wanted).max() < 2e-3


def test_a_graph_at_one_shape_takes_no_other() -> None:
    fixed = Network.of(toy_network(), half=False).at((1, 3, 64, 64))
    with pytest.raises(LoadFailed, match="64"):
        Network.of(fixed, half=False).at((1, 3, 64, 96))
