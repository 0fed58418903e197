"""One graphics card: its memory, streams and kernels. Only its binding knows PyCUDA.

`open_gpu` gives the card in its primary context, which ONNX Runtime, TensorRT and torch
share. A binding other than PyCUDA, such as the tests' double in host memory, goes
behind it through `bound_to`; nothing else changes.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from inference_worker.engine.binding import HOW_TO, Binding, of_pycuda
from inference_worker.engine.errors import (
    BackendUnavailable,
    DeviceLost,
    DeviceRefused,
    GpuError,
    OutOfDeviceMemory,
)
from inference_worker.engine.graphs import GraphCalls, undisturbed, when_undisturbed
from inference_worker.engine.launching import Kernel, Kernels
from inference_worker.engine.visible import first_line

AnyArray = NDArray[Any]


class Memory:
    """Bytes on the card at `pointer`, until `free`, which may be called again."""

    def __init__(self, gpu: Gpu, allocation: Any, nbytes: int) -> None:
        self.pointer, self.nbytes = int(allocation), nbytes
        self._gpu, self._allocation = gpu, allocation

    def free(self) -> None:
        if self._allocation is not None:
            allocation, self._allocation = self._allocation, None
            with undisturbed(), self._gpu.active():
                allocation.free()


class Stream:
    """Work in order, beside other streams; `handle` is its CUstream."""

    def __init__(self, gpu: Gpu, raw: Any) -> None:
        self.handle, self.raw, self._gpu = int(raw.handle), raw, gpu

    def synchronize(self) -> None:
        """Wait for all that was given to it; raises what went wrong there."""
        with self._gpu.active():
            self.raw.synchronize()


class Event:
    """A mark in a stream, and when the card came by it."""

    def __init__(self, gpu: Gpu, raw: Any) -> None:
        self._raw, self._gpu = raw, gpu

    def record(self, stream: Stream) -> None:
        with self._gpu.active():
            self._raw.record(stream.raw)

    def synchronize(self) -> None:
        with self._gpu.active():
            self._raw.synchronize()

    def milliseconds_since(self, earlier: Event) -> float:
        """Both must have been passed."""
        with self._gpu.active():
            return float(earlier._raw.time_till(self._raw))


class Gpu:
    """A card. Any thread may call, each call makes the context current for its time;
    who makes many of them, or hands pointers to a runtime, holds `active()` around.

    Every call raises OutOfDeviceMemory, after which all goes on; DeviceLost, after
    which this process can do nothing more on the card and must leave; DeviceRefused
    for a call that was wrong.
    """

    def __init__(self, binding: Binding, index: int) -> None:
        self.index, self._binding, self._cuda = index, binding, binding.driver
        self._depth = threading.local()
        self._kernels = Kernels(self, binding)
        with self._translated():
            self._cuda.init()
            device = self._cuda.Device(index)
            self._context = device.retain_primary_context()
            self.name = str(device.name())
            self.total_bytes = int(device.total_memory())
            major, minor = device.compute_capability()
            self.compute_capability: tuple[int, int] = (int(major), int(minor))

    @property
    def graphs(self) -> GraphCalls:
        """For `graphs.record`."""
        return self._binding.graphs

    @property
    def driver_version(self) -> tuple[int, int]:
        """The newest CUDA that the driver knows, such as (13, 0)."""
        number = int(self._cuda.get_driver_version())
        return number // 1000, number % 1000 // 10

    @property
    def cuda_version(self) -> tuple[int, int]:
        """The CUDA that the binding was made with."""
        major, minor, *_ = self._cuda.get_version()
        return int(major), int(minor)

    @contextmanager
    def active(self) -> Iterator[None]:
        """The card's context is this thread's while inside; may be nested."""
        depth = getattr(self._depth, "value", 0)
        with self._translated():
            if not depth:
                self._context.push()
            self._depth.value = depth + 1
            try:
                yield
            finally:
                self._depth.value = depth
                if not depth:
                    self._cuda.Context.pop()

    def check(self) -> None:
        """DeviceLost when what ran on the card, whoever's it was, has broken it."""
        if not self._is_well():
            raise DeviceLost(f"GPU {self.index} ({self.name}) no longer answers")

    def free_bytes(self) -> int:
        """What is left on the card now, whoever took the rest."""
        with self.active():
            return int(self._cuda.mem_get_info()[0])

    def alloc(self, nbytes: int) -> Memory:
        with undisturbed(), self.active():
            return Memory(self, self._cuda.mem_alloc(nbytes), nbytes)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> AnyArray:
        """Page-locked host memory: copies from and to it run beside other work."""
        with undisturbed(), self.active():
            array = np.asarray(self._cuda.pagelocked_empty(shape, dtype))
        # PyCUDA's own end of it fails without a word where the context is not current.
        back = weakref.finalize(array, when_undisturbed, self._unlock, array.base)
        back.atexit = False
        return array

    def _unlock(self, allocation: Any) -> None:
        with suppress(GpuError), self.active():
            allocation.free()

    def stream(self) -> Stream:
        with self.active():
            return Stream(self, self._cuda.Stream())

    def event(self) -> Event:
        with self.active():
            return Event(self, self._cuda.Event())

    def upload(
        self, memory: Memory, array: AnyArray, stream: Stream, offset: int = 0
    ) -> None:
        """Queue a copy to the card, `offset` bytes into the memory.

        The array must stay as it is until the stream has come by.
        """
        self._check(memory, array, offset)
        with self.active():
            self._cuda.memcpy_htod_async(memory.pointer + offset, array, stream.raw)

    def download(
        self, array: AnyArray, memory: Memory, stream: Stream, offset: int = 0
    ) -> None:
        """Queue a copy from the card; the array is filled when the stream came by."""
        self._check(memory, array, offset)
        with self.active():
            self._cuda.memcpy_dtoh_async(array, memory.pointer + offset, stream.raw)

    def kernel(self, source: str, name: str, signature: str) -> Kernel:
        """The function `name` of CUDA C; nvcc runs once for each source and card.

        `signature` has a letter an argument, as `struct` has them: P pointer, i int,
        f float.
        """
        return self._kernels.find(source, name, signature)

    @staticmethod
    def _check(memory: Memory, array: AnyArray, offset: int) -> None:
        if offset < 0 or offset + array.nbytes > memory.nbytes:
            raise DeviceRefused(
                f"{array.nbytes} bytes at {offset} of {memory.nbytes} on the card"
            )
        if not array.flags.c_contiguous:
            raise DeviceRefused("only arrays without gaps go to the card")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The binding's errors as ours."""
        try:
            yield
        except self._cuda.MemoryError as error:
            raise OutOfDeviceMemory(first_line(error)) from error
        except self._cuda.Error as error:
            kind = DeviceRefused if self._is_well() else DeviceLost
            raise kind(first_line(error)) from error

    def _is_well(self) -> bool:
        """An error that stays is given again by every call that follows."""
        if not hasattr(self, "_context"):
            return True
        with undisturbed(), suppress(self._cuda.Error):
            self._context.push()
            try:
                self._cuda.Context.synchronize()
            finally:
                self._cuda.Context.pop()
            return True
        return False


def open_gpu(index: int = 0, binding: Binding | None = None) -> Gpu:
    """The card of that number. Raises BackendUnavailable where there is none."""
    try:
        return Gpu(binding or _bound(), index)
    except DeviceRefused as error:
        raise BackendUnavailable(f"no GPU {index}: {error}", HOW_TO) from error


@contextmanager
def bound_to(binding: Binding) -> Iterator[None]:
    """Cards opened inside, by any thread, are that binding's."""
    global _bound
    before, _bound = _bound, lambda: binding
    try:
        yield
    finally:
        _bound = before


_bound: Callable[[], Binding] = of_pycuda
