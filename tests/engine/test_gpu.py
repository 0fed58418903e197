"""The seam to the card, over its double in host memory."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from inference_worker.engine import gpu
from inference_worker.engine.errors import (
    BackendUnavailable,
    DeviceLost,
    DeviceRefused,
    OutOfDeviceMemory,
)
from tests.contract.host_gpu import COMPILER, HostDriver

DOUBLE = """
__global__ void twice(unsigned char *values, int count) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) values[i] = (unsigned char)(2 * values[i]);
}
"""

needs_compiler = pytest.mark.skipif(
    COMPILER is None, reason="no C++ compiler to run kernels on the host with"
)


@pytest.fixture
def driver() -> HostDriver:
    return HostDriver(deferred=True)


@pytest.fixture
def card(driver: HostDriver) -> gpu.Gpu:
    return gpu.open_gpu(0, driver.binding)


def test_the_card_says_what_it_is(card: gpu.Gpu) -> None:
    assert (card.name, card.compute_capability) == ("Host memory", (9, 0))
    assert (card.driver_version, card.cuda_version) == ((13, 0), (13, 0))
    assert card.free_bytes() == card.total_bytes


def test_what_goes_up_comes_down(card: gpu.Gpu) -> None:
    stream, memory = card.stream(), card.alloc(8)
    sent = card.pinned((4,), np.uint16)
    sent[:] = [1, 2, 3, 4]
    back = card.pinned((2,), np.uint16)
    card.upload(memory, sent, stream)
    card.download(back, memory, stream, offset=2)
    stream.synchronize()
    assert back.tolist() == [2, 3]


@needs_compiler
def test_a_kernel_works_on_the_cards_memory_in_the_order_of_the_stream(
    card: gpu.Gpu,
) -> None:
    stream, memory = card.stream(), card.alloc(5)
    values = np.arange(5, dtype=np.uint8)
    twice = card.kernel(DOUBLE, "twice", "Pi")
    card.upload(memory, values, stream)
    twice((2, 1, 1), (4, 1, 1), stream, memory.pointer, 5)
    back = np.zeros(5, np.uint8)
    card.download(back, memory, stream)
    assert not back.any()
    stream.synchronize()
    assert back.tolist() == [0, 2, 4, 6, 8]


def test_a_source_is_compiled_once(card: gpu.Gpu, driver: HostDriver) -> None:
    if COMPILER is None:
        pytest.skip("no C++ compiler to run kernels on the host with")
    for _ in range(3):
        card.kernel(DOUBLE, "twice", "Pi")
    assert driver.calls["module_from_buffer"] == 1


def test_memory_is_given_back_once(card: gpu.Gpu, driver: HostDriver) -> None:
    memory = card.alloc(1000)
    assert card.free_bytes() == card.total_bytes - 1000
    memory.free()
    memory.free()
    assert card.free_bytes() == card.total_bytes
    assert driver.calls["free"] == 1


def test_any_thread_may_call(card: gpu.Gpu) -> None:
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(card.alloc(10).nbytes))
    thread.start()
    thread.join()
    assert taken == [10]


def test_the_context_is_this_threads_only_while_it_is_asked_for(
    card: gpu.Gpu, driver: HostDriver
) -> None:
    with card.active(), card.active():
        assert len(driver.stack) == 1
    assert driver.stack == []


def test_what_does_not_fit_is_refused_and_all_goes_on(driver: HostDriver) -> None:
    card = gpu.open_gpu(0, HostDriver(total=1000).binding)
    with pytest.raises(OutOfDeviceMemory, match="out of memory") as caught:
        card.alloc(1001)
    assert caught.value.code == "out_of_device_memory"
    assert card.alloc(1000).nbytes == 1000


def test_an_error_that_stays_means_that_the_card_is_lost(
    card: gpu.Gpu, driver: HostDriver
) -> None:
    driver.lose()
    with pytest.raises(DeviceLost) as caught:
        card.alloc(10)
    assert caught.value.code == "device_lost"
    assert driver.stack == []


def test_a_card_is_asked_whether_it_is_well(card: gpu.Gpu, driver: HostDriver) -> None:
    card.check()
    driver.lose()
    with pytest.raises(DeviceLost, match="GPU 0"):
        card.check()


def test_an_error_that_goes_is_a_wrong_call(card: gpu.Gpu, driver: HostDriver) -> None:
    driver.fail("mem_alloc", driver.LogicError("invalid value"))
    with pytest.raises(DeviceRefused, match="invalid value"):
        card.alloc(10)
    assert card.alloc(10).nbytes == 10


@pytest.mark.parametrize(("size", "offset"), [(9, 0), (4, 5), (1, -1)])
def test_nothing_is_copied_beyond_the_memory(
    card: gpu.Gpu, size: int, offset: int
) -> None:
    memory, array = card.alloc(8), np.zeros(size, np.uint8)
    with pytest.raises(DeviceRefused, match="of 8"):
        card.upload(memory, array, card.stream(), offset)
    with pytest.raises(DeviceRefused, match="of 8"):
        card.download(array, memory, card.stream(), offset)


def test_an_array_with_gaps_is_not_sent(card: gpu.Gpu) -> None:
    with pytest.raises(DeviceRefused, match="gaps"):
        card.upload(card.alloc(8), np.zeros(8, np.uint8)[::2], card.stream())


@needs_compiler
def test_a_kernel_that_does_not_compile_says_why(card: gpu.Gpu) -> None:
    with pytest.raises(BackendUnavailable, match="could not be compiled"):
        card.kernel("not C at all", "x", "P")


def test_a_card_that_is_not_there_is_named() -> None:
    with pytest.raises(BackendUnavailable, match="no GPU 3"):
        gpu.open_gpu(3, HostDriver(devices=1).binding)


def test_without_pycuda_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda", None)
    with pytest.raises(BackendUnavailable) as caught:
        gpu.open_gpu()
    assert "requirements-gpu" in caught.value.hint


def test_another_binding_takes_pycudas_place() -> None:
    with gpu.bound_to(HostDriver(total=4096).binding):
        assert gpu.open_gpu().total_bytes == 4096
