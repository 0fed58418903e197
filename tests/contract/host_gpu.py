"""A graphics card in host memory, behind `engine/gpu.py`: what it uses of PyCUDA.

Pointers are host addresses, so a runtime for the CPU can work on them, and kernels
are compiled from their own CUDA source by a C++ compiler. It is strict where a card
is: no call without a current context, nothing freed twice, no more memory than there
is. Faults are asked for: `fail(call, error)` once, `lose()` for good.

    with gpu.bound_to(HostDriver().binding): ...
"""

from __future__ import annotations

import ctypes
import itertools
import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from inference_worker.engine.binding import Binding
from inference_worker.engine.errors import DeviceRefused, OutOfDeviceMemory

COMPILER = shutil.which("g++") or shutil.which("clang++")
_HEADER = Path(__file__).with_name("host_cuda.h")
_BUILT = tempfile.TemporaryDirectory(prefix="causeline-kernels-")
_handles = itertools.count(0x5000)


class HostDriver:
    """Looks like the module pycuda.driver to who asks for a few names of it.

    With `deferred`, work given to a stream is done when the stream is waited for, as
    late as a card may: who reads or overwrites too early is found out.
    """

    class Error(Exception):
        pass

    class MemoryError(Error):
        pass

    class LogicError(Error):
        pass

    class LaunchError(Error):
        pass

    def __init__(
        self,
        total: int = 80 * 2**30,
        capability: tuple[int, int] = (9, 0),
        devices: int = 1,
        deferred: bool = False,
    ) -> None:
        self.total, self.capability, self.devices = total, capability, devices
        self.deferred = deferred
        self.taken: dict[int, Any] = {}
        self.calls: Counter[str] = Counter()
        self.streams: dict[int, HostStream] = {}
        self.lost = False
        self.locked_bytes = 0
        self._faults: dict[str, list[Exception]] = {}
        self._stack = threading.local()
        self.Context = _Contexts(self)
        self.graphs = HostGraphs(self)

    @property
    def binding(self) -> Binding:
        return Binding(self, compiled, self.graphs)

    def fail(self, call: str, error: Exception | None = None) -> None:
        """The next such call raises this; out of memory unless another is given."""
        wrong = error or self.MemoryError(f"{call} failed: out of memory")
        self._faults.setdefault(call, []).append(wrong)

    def lose(self) -> None:
        """A kernel wrote where it may not: from now on every call fails."""
        self.lost = True

    def in_stream(self, handle: int, work: Callable[[], object]) -> None:
        """For other doubles, such as a network's: do it when its turn comes."""
        self.streams[handle].add(work)

    def spoil_recordings(self) -> None:
        """A call that a stream being recorded forbids: its graph comes to nothing."""
        for stream in self.streams.values():
            if stream.recorded is not None:
                stream.spoilt = True
                raise self.LogicError("not permitted while a stream is capturing")

    @property
    def taken_bytes(self) -> int:
        return sum(len(buffer) for buffer in self.taken.values())

    # From here on what pycuda.driver has.

    def init(self) -> None:
        self._called("init", current=False)

    def Device(self, index: int) -> HostDevice:
        self._called("Device", current=False)
        if index >= self.devices:
            raise self.LogicError("cuDeviceGet failed: invalid device ordinal")
        return HostDevice(self)

    def get_driver_version(self) -> int:
        return 13000

    def get_version(self) -> tuple[int, int, int]:
        return (13, 0, 0)

    def mem_get_info(self) -> tuple[int, int]:
        self._called("mem_get_info")
        return self.total - self.taken_bytes, self.total

    def mem_alloc(self, nbytes: int) -> HostAllocation:
        self._called("mem_alloc")
        self.spoil_recordings()
        if nbytes <= 0:
            raise self.LogicError("cuMemAlloc failed: invalid argument")
        if nbytes > self.total - self.taken_bytes:
            raise self.MemoryError("cuMemAlloc failed: out of memory")
        return HostAllocation(self, nbytes)

    def pagelocked_empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        self._called("pagelocked_empty")
        return np.asarray(HostLocked(self, np.empty(shape, dtype)))

    def Stream(self) -> HostStream:
        self._called("Stream")
        return HostStream(self)

    def Event(self) -> HostEvent:
        self._called("Event")
        return HostEvent(self)

    def memcpy_htod_async(self, to: int, array: np.ndarray, stream: HostStream) -> None:
        self._called("memcpy_htod_async")
        self._check(to, array.nbytes)
        stream.add(lambda: ctypes.memmove(to, array.ctypes.data, array.nbytes))

    def memcpy_dtoh_async(
        self, array: np.ndarray, source: int, stream: HostStream
    ) -> None:
        self._called("memcpy_dtoh_async")
        self._check(source, array.nbytes)
        stream.add(lambda: ctypes.memmove(array.ctypes.data, source, array.nbytes))

    def module_from_buffer(self, cubin: bytes) -> HostModule:
        self._called("module_from_buffer")
        return HostModule(self, Path(cubin.decode()))

    def _check(self, pointer: int, nbytes: int) -> None:
        for start, buffer in self.taken.items():
            if start <= pointer and pointer + nbytes <= start + len(buffer):
                return
        raise self.LogicError("invalid argument: not memory of this card")

    def _called(self, name: str, current: bool = True) -> None:
        self.calls[name] += 1
        if self.lost:
            raise self.LogicError(f"{name} failed: an illegal memory access")
        if faults := self._faults.get(name):
            raise faults.pop(0)
        if current and not self.stack:
            raise self.LogicError(f"{name} failed: invalid device context")

    @property
    def stack(self) -> list[HostContext]:
        if not hasattr(self._stack, "contexts"):
            self._stack.contexts = []
        return self._stack.contexts


class HostDevice:
    def __init__(self, driver: HostDriver) -> None:
        self._driver = driver

    def retain_primary_context(self) -> HostContext:
        return HostContext(self._driver)

    def name(self) -> str:
        return "Host memory"

    def total_memory(self) -> int:
        return self._driver.total

    def compute_capability(self) -> tuple[int, int]:
        return self._driver.capability


class HostContext:
    def __init__(self, driver: HostDriver) -> None:
        self._driver = driver

    def push(self) -> None:
        self._driver.stack.append(self)


class _Contexts:
    """The class pycuda.driver.Context, of which only static methods are asked."""

    def __init__(self, driver: HostDriver) -> None:
        self._driver = driver

    def pop(self) -> None:
        self._driver.stack.pop()

    def synchronize(self) -> None:
        self._driver._called("synchronize")
        self._driver.spoil_recordings()
        for stream in self._driver.streams.values():
            stream.work_off()


class HostAllocation:
    def __init__(self, driver: HostDriver, nbytes: int) -> None:
        buffer = ctypes.create_string_buffer(b"\xab" * nbytes, nbytes)
        self._driver, self._address = driver, ctypes.addressof(buffer)
        driver.taken[self._address] = buffer

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        self._driver._called("free")
        del self._driver.taken[self._address]


class HostStream:
    def __init__(self, driver: HostDriver) -> None:
        self.handle = next(_handles)
        self._driver = driver
        self._waiting: list[Callable[[], object]] = []
        self.recorded: list[Callable[[], object]] | None = None
        self.spoilt = False
        driver.streams[self.handle] = self

    def add(self, work: Callable[[], object]) -> None:
        if self.recorded is not None:
            self.recorded.append(work)
            return
        self._waiting.append(work)
        if not self._driver.deferred:
            self.work_off()

    def work_off(self) -> None:
        while self._waiting:
            self._waiting.pop(0)()

    def synchronize(self) -> None:
        self._driver._called("stream.synchronize")
        self._driver.spoil_recordings()
        self.work_off()


class HostGraphs:
    """What the driver has of CUDA graphs."""

    def __init__(self, driver: HostDriver) -> None:
        self._driver = driver
        self.there: dict[int, list[Callable[[], object]]] = {}

    def begin(self, stream: int) -> None:
        self._called("graph.begin")
        self._driver.streams[stream].recorded = []

    def end(self, stream: int) -> int:
        found = self._driver.streams[stream]
        recorded, spoilt = found.recorded, found.spoilt
        found.recorded, found.spoilt = None, False
        self._called("graph.end")
        if recorded is None or spoilt:
            raise DeviceRefused("cuStreamEndCapture failed: error 901")
        handle = next(_handles)
        self.there[handle] = recorded
        return handle

    def launch(self, graph: int, stream: int) -> None:
        self._called("graph.launch")
        for work in self.there[graph]:
            self._driver.streams[stream].add(work)

    def destroy(self, graph: int) -> None:
        self._called("graph.destroy")
        del self.there[graph]

    def _called(self, name: str) -> None:
        try:
            self._driver._called(name)
        except self._driver.MemoryError as error:
            raise OutOfDeviceMemory(str(error)) from error
        except self._driver.Error as error:
            raise DeviceRefused(str(error)) from error


class HostLocked:
    """What page-locked memory stands on. As PyCUDA's, it stays locked for good where
    it is freed or forgotten without a current context.
    """

    def __init__(self, driver: HostDriver, room: np.ndarray) -> None:
        self._driver, self._room = driver, room
        self.__array_interface__ = room.__array_interface__
        self._locked = room.nbytes
        driver.locked_bytes += self._locked

    def free(self) -> None:
        locked, self._locked = self._locked, 0
        if self._driver.stack:
            self._driver.locked_bytes -= locked

    def __del__(self) -> None:
        self.free()


class HostEvent:
    """Passes no time: a double's timings mean nothing."""

    def __init__(self, driver: HostDriver) -> None:
        self._driver = driver
        self._stream: HostStream | None = None

    def record(self, stream: HostStream) -> None:
        self._driver._called("event.record")
        self._stream = stream

    def synchronize(self) -> None:
        self._driver._called("event.synchronize")
        if self._stream is not None:
            self._stream.work_off()

    def time_till(self, later: HostEvent) -> float:
        return 0.0


class HostModule:
    def __init__(self, driver: HostDriver, library: Path) -> None:
        self._driver, self._library = driver, ctypes.CDLL(str(library))

    def get_function(self, name: str) -> HostFunction:
        return HostFunction(self._driver, self._library, name)


class HostFunction:
    def __init__(self, driver: HostDriver, library: ctypes.CDLL, name: str) -> None:
        if not hasattr(library, name):
            raise driver.LogicError("cuModuleGetFunction failed: not found")
        self._driver, self._launch = driver, library.host_launch
        self._function = getattr(library, name)
        self._signature = ""

    def prepare(self, signature: str) -> None:
        self._signature = signature

    def prepared_async_call(
        self,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        stream: HostStream,
        *args: int,
    ) -> None:
        self._driver._called("launch")
        if len(args) != len(self._signature) or block[0] * block[1] * block[2] > 1024:
            raise self._driver.LogicError("cuLaunchKernel failed: invalid argument")
        sides = [(ctypes.c_uint * 3)(*side) for side in (grid, block)]
        values = (ctypes.c_uint64 * 6)(*args)
        stream.add(lambda: self._launch(self._function, *sides, values))


def compiled(source: str, arch: str) -> bytes:
    """The kernels as a library of the host; its path stands in for the cubin."""
    assert arch.startswith("sm_")
    if COMPILER is None:
        raise RuntimeError("a C++ compiler is needed to run kernels on the host")
    name = sha256(source.encode() + _HEADER.read_bytes()).hexdigest()[:16]
    library = Path(_BUILT.name) / f"{name}.so"
    if not library.exists():
        text = f'#include "{_HEADER}"\n{source}'
        command = [
            COMPILER,
            "-x",
            "c++",
            "-O2",
            "-ffp-contract=off",
            "-shared",
            "-fPIC",
        ]
        built = subprocess.run(
            [*command, "-shared", "-fPIC", "-", "-o", str(library)],
            input=text, text=True, capture_output=True, check=False,
        )  # fmt: skip
        if built.returncode:
            raise RuntimeError(built.stderr)
    return str(library).encode()
