"""Loading and running an engine through NVIDIA's bindings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorrt as trt

from inference_worker.engine.api import Detector
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.backends.tensorrt import TensorRtBackend
from inference_worker.engine.errors import (
    DeviceLost,
    EngineError,
    InferenceFailed,
    LoadFailed,
    OtherTensorRT,
    OutOfDeviceMemory,
    PlanWrong,
)
from inference_worker.engine.gpu import open_gpu
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.tensorrt import recording
from inference_worker.engine.tensorrt.building import Made, make
from inference_worker.ladder.replicas import Replicated
from tests.contract.checks.conftest import (
    Faults,
    made_for,
    manifest_of,
    order_for,
)
from tests.contract.host_gpu import COMPILER, HostDriver
from tests.engine.toy import board, paint, traced

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")


def test_the_registry_opens_it_by_its_name(made: Made, manifest: Manifest) -> None:
    opened = open_backend("tensorrt", manifest, made.plan, precision="f32")
    assert isinstance(opened, TensorRtBackend)
    opened.close()


def test_an_engine_finds_what_is_in_a_photo(backend: TensorRtBackend) -> None:
    photo = board()
    paint(photo, 1, 64, 96)
    (found,) = backend.infer([photo])
    assert found.boxes.tolist() == [[64, 96, 96, 128]]
    assert found.names(backend.manifest.classes) == ["green"]


@pytest.mark.parametrize(("half", "precision"), [(False, "f32"), (True, "f16")])
def test_batches_of_all_sizes_agree_with_what_was_painted(
    half: bool, precision: str, manifest: Manifest
) -> None:
    backend = TensorRtBackend(manifest, made_for(manifest, half=half).plan)
    photos = [board(side, side) for side in (512, 1024, 640, 640, 512, 640, 640, 640)]
    for place, photo in enumerate(photos):
        paint(photo, place % 3, 32 * place, 64)
    found = backend.infer(photos)
    assert [int(one.class_ids[0]) for one in found] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [float(one.boxes[0, 0]) for one in found] == [32.0 * i for i in range(8)]
    assert backend.precision == precision
    backend.close()


def test_a_model_of_six_channels_sees_image_and_template() -> None:
    manifest = manifest_of(6)
    backend = TensorRtBackend(manifest, made_for(manifest).plan)
    photo, golden = traced(), traced()
    paint(photo, 0, 320, 320)
    (found,) = backend.infer([photo], [golden])
    assert found.names(manifest.classes) == ["red"]
    backend.close()


def test_an_oblong_photo_gets_the_square_that_a_profile_takes(
    backend: TensorRtBackend,
) -> None:
    photo = board(480, 640)
    paint(photo, 2, 64, 32)
    (found,) = backend.infer([photo])
    assert found.boxes.tolist() == [[64, 32, 96, 64]]


def test_work_goes_to_our_own_stream(
    backend: TensorRtBackend, calls: list[str]
) -> None:
    calls.clear()
    backend.infer([board()])
    assert f"enqueue stream={backend.stream.handle}" in calls
    assert backend.stream.handle != 0


def test_each_profile_has_a_context_that_works_in_our_memory(
    backend: TensorRtBackend, calls: list[str]
) -> None:
    user_managed = int(trt.ExecutionContextAllocationStrategy.USER_MANAGED)
    assert calls.count(f"context strategy={user_managed}") == 3


def test_host_code_is_never_allowed(backend: TensorRtBackend, calls: list[str]) -> None:
    before_deserialising = calls[: calls.index("deserialise")]
    assert before_deserialising[-1] == "host code False"


def test_engines_that_run_at_the_same_time_share_no_memory(
    backend: TensorRtBackend, made: Made, manifest: Manifest, calls: list[str]
) -> None:
    """One is warmed up by the climber while another looks at photos."""
    other = TensorRtBackend(manifest, made.plan)
    calls.clear()
    backend.infer([board()])
    other.infer([board()])
    told = {call for call in calls if call.startswith("scratch")}
    assert len(told) == 2
    assert backend.stream.handle != other.stream.handle
    other.close()
    assert len(backend.infer([board()])) == 1


def test_replicas_share_a_batch_on_streams_of_their_own(
    backend: TensorRtBackend, made: Made, manifest: Manifest, calls: list[str]
) -> None:
    other = TensorRtBackend(manifest, made.plan)
    both = Replicated(backend, (Detector(other),))
    photos = [board(512, 512) for _ in range(8)]
    for place, photo in enumerate(photos):
        paint(photo, place % 3, 32 * place, 64)
    for _ in range(5):
        found = both.infer(photos)
        assert [float(one.boxes[0, 0]) for one in found] == [32.0 * i for i in range(8)]
    streams = {call for call in calls if call.startswith("enqueue")}
    assert len(streams) == 2
    other.close()


def test_what_it_holds_is_counted_and_given_back(
    made: Made, manifest: Manifest, driver: HostDriver
) -> None:
    backend = TensorRtBackend(manifest, made.plan)
    assert backend.device_bytes == driver.taken_bytes + len(made.plan)
    backend.close()
    assert driver.taken_bytes == 0


def test_small_batches_are_recorded_once_and_launched_as_one(
    backend: TensorRtBackend, driver: HostDriver, calls: list[str]
) -> None:
    backend.warm_up()
    recorded = driver.calls["graph.begin"]
    assert recorded == 3 * 4  # sizes, and 1 to 4 images
    calls.clear()
    for side in (512, 640, 1024):
        for count in (1, 2, 3, 4):
            photos = [board(side, side) for _ in range(count)]
            for place, photo in enumerate(photos):
                paint(photo, place % 3, 32 * place, 64)
            found = backend.infer(photos)
            assert [float(one.boxes[0, 0]) for one in found] == [
                32.0 * place for place in range(count)
            ]
    assert driver.calls["graph.begin"] == recorded
    assert not [call for call in calls if call.startswith("enqueue")]


def test_a_graph_is_recorded_after_a_run_of_a_context_of_its_own(
    backend: TensorRtBackend, calls: list[str]
) -> None:
    calls.clear()
    backend.infer([board()])
    told = [call.partition(" ")[0] for call in calls]
    assert told == ["context", "scratch", "enqueue", "enqueue"]


def test_larger_batches_go_without_a_graph(
    manifest: Manifest, driver: HostDriver
) -> None:
    plan = make(order_for(manifest, images=8), lambda _: None, lambda: False).plan
    backend = TensorRtBackend(manifest, plan)
    assert len(backend.infer([board()] * 5)) == 5
    assert driver.calls["graph.begin"] == 0
    backend.close()


def test_so_many_shapes_are_recorded_and_the_others_go_without(
    backend: TensorRtBackend, driver: HostDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_SHAPES", 2)
    photo = board()
    paint(photo, 1, 64, 96)
    for count in (1, 2, 3, 2, 1):
        found = backend.infer([photo] * count)
        assert [one.boxes[0, 0] for one in found] == [64] * count
    assert driver.calls["graph.begin"] == len(driver.graphs.there) == 2


def test_a_graph_of_planes_elsewhere_is_not_launched(
    backend: TensorRtBackend, driver: HostDriver
) -> None:
    shape = (1, 3, 512, 512)
    for planes in (backend.alloc(4 * 3 * 512 * 512) for _ in range(2)):
        backend.enqueue(planes, shape, backend.stream)
        backend.stream.synchronize()
    assert driver.calls["graph.begin"] == 2
    assert len(driver.graphs.there) == 1


@pytest.mark.parametrize("how", ["graph.begin", "graph.end", "recorded_run"])
def test_where_nothing_can_be_recorded_one_line_says_so_and_it_runs_without(
    how: str,
    backend: TensorRtBackend,
    driver: HostDriver,
    fail: Faults,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if how == "recorded_run":
        fail(how)
    else:
        driver.fail(how, driver.LogicError(f"{how} failed: not supported"))
    photo = board()
    paint(photo, 1, 64, 96)
    for _ in range(3):
        (found,) = backend.infer([photo])
        assert found.boxes.tolist() == [[64, 96, 96, 128]]
    lines = [text for text in caplog.messages if "without CUDA graphs" in text]
    assert len(lines) == 1
    assert driver.graphs.there == {}


def test_a_run_that_fails_is_no_reason_to_give_graphs_up(
    backend: TensorRtBackend, driver: HostDriver, fail: Faults
) -> None:
    fail("execute")
    with pytest.raises(InferenceFailed):
        backend.infer([board()])
    fail("")
    backend.infer([board()])
    assert len(driver.graphs.there) == 1


def test_a_card_lost_while_recording_is_lost(
    backend: TensorRtBackend, driver: HostDriver
) -> None:
    begin = driver.graphs.begin

    def lose(stream: int) -> None:
        driver.lose()
        begin(stream)

    driver.graphs.begin = lose
    with pytest.raises(DeviceLost):
        backend.infer([board()])
    driver.lost = False


def test_graphs_are_gone_with_their_engine(
    made: Made, manifest: Manifest, driver: HostDriver
) -> None:
    backend = TensorRtBackend(manifest, made.plan)
    backend.infer([board()])
    backend.close()
    assert driver.graphs.there == {}
    assert driver.taken_bytes == 0


def refused(plan: bytes, manifest: Manifest, kind: type[EngineError]) -> str:
    with pytest.raises(kind) as caught:
        TensorRtBackend(manifest, plan)
    return str(caught.value)


def test_bad_magic_is_refused_before_anything_is_deserialised(
    made: Made, manifest: Manifest, calls: list[str]
) -> None:
    refused(b"fake" + made.plan[4:], manifest, PlanWrong)
    refused(made.plan[:20], manifest, PlanWrong)
    refused(b'\x10\x00\x00\x00{"description"' + made.plan, manifest, PlanWrong)
    assert "deserialise" not in calls


def test_another_versions_plan_is_refused_before_it_is_deserialised(
    made: Made, manifest: Manifest, calls: list[str]
) -> None:
    other = made.plan[:24] + bytes((9, 1, 0, 4)) + made.plan[28:]
    said = refused(other, manifest, OtherTensorRT)
    assert said == f"built by TensorRT 9.1.0.4; here is {trt.__version__}"
    assert "deserialise" not in calls


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("runtime_factory", "factory function returned nullptr"),
        ("host_code", "would run code that a plan brings along"),
        ("deserialise", "not enough memory for the weights"),
        ("context", "Error Code 2: OutOfMemory"),
        ("profile_switch", "profile 0 cannot be set"),
    ],
)
def test_what_fails_at_loading_says_why_and_leaves_nothing(
    fault: str,
    said: str,
    fail: Faults,
    made: Made,
    manifest: Manifest,
    driver: HostDriver,
) -> None:
    fail(fault)
    assert said in refused(made.plan, manifest, LoadFailed)
    assert driver.taken_bytes == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("shape", "violates profile 1"),
        ("address", "setTensorAddress: images cannot be at"),
        ("infer", "would be (-1, -1, 7)"),
        ("execute", "FAILED_ALLOCATION: no memory for the activations"),
    ],
)
def test_what_fails_in_traffic_says_why_and_the_next_call_works(
    fault: str, said: str, fail: Faults, backend: TensorRtBackend
) -> None:
    fail(fault)
    with pytest.raises(InferenceFailed) as caught:
        backend.infer([board()])
    assert said in str(caught.value)
    fail("")
    assert len(backend.infer([board()])) == 1


def test_a_shape_out_of_every_profile_is_refused_by_its_name(
    backend: TensorRtBackend,
) -> None:
    with pytest.raises(InferenceFailed, match="no profile for a canvas of 2048 x 2048"):
        backend.frame((2048, 2048))
    planes = backend.alloc(64)
    with pytest.raises(InferenceFailed, match=r"no profile for \(5, 3, 640, 640\)"):
        backend.enqueue(planes, (5, 3, 640, 640), backend.stream)


def test_other_channels_than_the_manifests_are_refused(made: Made) -> None:
    assert "other planes than the 6" in refused(made.plan, manifest_of(6), LoadFailed)


def test_an_engine_that_lacks_a_size_of_the_model_is_not_loaded(
    manifest: Manifest,
) -> None:
    order = order_for(manifest)
    small = replace(order, profiles=order.profiles[:2])
    plan = make(small, lambda _: None, lambda: False).plan
    assert "no profile for 1024 x 1024" in refused(plan, manifest, LoadFailed)


def test_a_full_card_is_said_to_be_full(
    made: Made, manifest: Manifest, driver: HostDriver
) -> None:
    driver.fail("mem_alloc")
    refused(made.plan, manifest, OutOfDeviceMemory)
    assert driver.taken_bytes == 0


def test_a_lost_card_is_told_from_a_refused_call(
    backend: TensorRtBackend, fail: Faults, driver: HostDriver
) -> None:
    planes = backend.alloc(64)
    fail("execute")
    driver.lose()
    with pytest.raises(DeviceLost):
        backend.enqueue(planes, (1, 3, 512, 512), backend.stream)
    driver.lost = False


def test_an_error_belongs_to_the_call_that_met_it(
    backend: TensorRtBackend, fail: Faults
) -> None:
    for fault, other in (("execute", "violates"), ("shape", "no memory for")):
        fail(fault)
        with pytest.raises(InferenceFailed) as caught:
            backend.infer([board()])
        assert other not in str(caught.value)


def test_the_card_may_be_given(made: Made, manifest: Manifest) -> None:
    card = open_gpu()
    backend = TensorRtBackend(manifest, made.plan, precision="int8", card=card)
    assert backend.card is card
    assert backend.precision == "int8"
    pixels = np.zeros((2, 512, 512, 3), np.uint8)
    assert backend.forward(pixels).shape == (2, 256, 7)
    backend.close()
