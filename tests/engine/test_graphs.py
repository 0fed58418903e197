"""The driver's functions for CUDA graphs, called in a library of the host that has them
under the same names and with NVIDIA's signatures.
"""

from __future__ import annotations

import ctypes
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from inference_worker.engine import gpu
from inference_worker.engine.errors import (
    DeviceLost,
    DeviceRefused,
    OutOfDeviceMemory,
)
from inference_worker.engine.graphs import DriverCalls, record
from tests.contract.host_gpu import COMPILER, HostDriver

LIBRARY = r"""
typedef void *Stream; typedef void *Drawn; typedef void *Ready;
static int fails, destroyed, ended;
static int gives(int call) { return fails / 100 == call ? fails % 100 : 0; }
extern "C" {
void fail(int call, int code) { fails = call * 100 + code; }
int drawings_left() { return ended - destroyed; }
int cuStreamBeginCapture_v2(Stream stream, int mode) {
    return stream == (Stream)0x123456789abc && mode == 1 ? gives(1) : 1;
}
int cuStreamEndCapture(Stream stream, Drawn *drawn) {
    if (stream != (Stream)0x123456789abc) return 1;
    ++ended; *drawn = (Drawn)0x7f0000000010; return gives(2);
}
int cuGraphInstantiateWithFlags(Ready *ready, Drawn drawn, unsigned long long flags) {
    if (drawn != (Drawn)0x7f0000000010 || flags) return 1;
    *ready = (Ready)0x7f0000000020; return gives(3);
}
int cuGraphDestroy(Drawn drawn) {
    ++destroyed; return drawn == (Drawn)0x7f0000000010 ? 0 : 1;
}
int cuGraphLaunch(Ready ready, Stream stream) {
    bool known = ready == (Ready)0x7f0000000020 && stream == (Stream)0x123456789abc;
    return known ? gives(4) : 1;
}
int cuGraphExecDestroy(Ready ready) { return ready == (Ready)0x7f0000000020 ? 0 : 1; }
}
"""
STREAM = 0x123456789ABC

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")


class HostCalls(DriverCalls):
    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library

    @property
    def _driver(self) -> ctypes.CDLL:  # type: ignore[override]
        return self.library


@pytest.fixture
def calls(tmp_path: Path) -> HostCalls:
    path = tmp_path / "libcuda.so"
    assert COMPILER is not None
    subprocess.run(
        [COMPILER, "-x", "c++", "-shared", "-fPIC", "-", "-o", str(path)],
        input=LIBRARY,
        text=True,
        check=True,
    )
    return HostCalls(ctypes.CDLL(str(path)))


def test_a_graph_is_recorded_launched_and_given_back(calls: HostCalls) -> None:
    calls.begin(STREAM)
    graph = calls.end(STREAM)
    assert graph == 0x7F0000000020
    calls.launch(graph, STREAM)
    calls.destroy(graph)
    assert calls.library.drawings_left() == 0


@pytest.mark.parametrize(("call", "left"), [(2, 1), (3, 0)])
def test_what_cannot_be_recorded_is_refused_by_name(
    calls: HostCalls, call: int, left: int
) -> None:
    calls.begin(STREAM)
    calls.library.fail(call, 91)
    name = {2: "cuStreamEndCapture", 3: "cuGraphInstantiateWithFlags"}[call]
    with pytest.raises(DeviceRefused, match=f"{name} failed: error 91"):
        calls.end(STREAM)
    assert calls.library.drawings_left() == left  # a spoilt one there is nothing of


def test_missing_memory_is_told_apart(calls: HostCalls) -> None:
    calls.library.fail(1, 2)
    with pytest.raises(OutOfDeviceMemory):
        calls.begin(STREAM)


def test_a_launch_tells_a_lost_card_from_one_that_refused() -> None:
    driver = HostDriver()
    card = gpu.open_gpu(0, driver.binding)
    graph = record(card, card.stream(), lambda: True)
    driver.fail("graph.launch", driver.LogicError("cuGraphLaunch failed: error 1"))
    with pytest.raises(DeviceRefused):
        graph.launch()
    with suppress(DeviceLost), card.active():  # it cannot be left either
        driver.lose()
        with pytest.raises(DeviceLost):
            graph.launch()


def test_without_a_driver_there_are_no_graphs() -> None:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        with pytest.raises(DeviceRefused, match="there are no CUDA graphs"):
            DriverCalls().begin(STREAM)
    else:
        pytest.skip("a driver is installed here")
