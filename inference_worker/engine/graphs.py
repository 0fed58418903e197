"""CUDA graphs: work of a stream that is recorded once, and launched again as one.

PyCUDA does not have them, so the driver's own five functions are called. A graph keeps
the addresses and shapes that it was recorded with.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from inference_worker.engine.errors import DeviceRefused, GpuError, OutOfDeviceMemory

if TYPE_CHECKING:
    from inference_worker.engine.gpu import Gpu, Stream

# Other threads may go on allocating; the one that records may not.
_THREAD_LOCAL = 1
_OUT_OF_MEMORY = 2
# One for all cards: a process most often sees one, and runtimes know no better.
_still = threading.RLock()
_put_off: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
_catching_up = False


@contextmanager
def undisturbed() -> Iterator[None]:
    """While inside, no other thread takes or gives back memory of a card, or waits for
    all of it: whoever does so while ONNX Runtime records a CUDA graph, which it does in
    the mode that forbids that to all threads, ends the recording and the run with it.
    """
    try:
        with _still:
            yield
    finally:
        _catch_up()


@contextmanager
def undisturbed_at_once() -> Iterator[bool]:
    """The same where nobody has to be waited for; else False, and nothing is held."""
    still = _still.acquire(blocking=False)
    try:
        yield still
    finally:
        if still:
            _still.release()
            _catch_up()


def when_undisturbed(work: Callable[..., object], *about: Any) -> None:
    """Do it now; or, while another thread is undisturbed, let that one do it after.

    For finalizers, which the collector runs on any thread: one that holds a lock, or
    is to end a process whose card hangs, must not wait.
    """
    _put_off.append((work, about))
    _catch_up()


def _catch_up() -> None:
    """Not within itself, as what was put off is undisturbed, too."""
    global _catching_up
    while _put_off and _still.acquire(blocking=False):
        try:
            if _catching_up:
                return
            _catching_up = True
            try:
                with suppress(IndexError):  # a finalizer came between
                    work, about = _put_off.popleft()
                    work(*about)
            finally:
                _catching_up = False
        finally:
            _still.release()


class GraphCalls(Protocol):
    """Handles are numbers. Each call raises GpuError."""

    def begin(self, stream: int) -> None: ...

    def end(self, stream: int) -> int:
        """What was given to the stream since `begin`, ready to be launched."""

    def launch(self, graph: int, stream: int) -> None: ...

    def destroy(self, graph: int) -> None: ...


class DriverCalls:
    """The NVIDIA driver's, whose library is opened on first use."""

    def begin(self, stream: int) -> None:
        self._call("cuStreamBeginCapture_v2", _pointer(stream), _THREAD_LOCAL)

    def end(self, stream: int) -> int:
        drawn, ready = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("cuStreamEndCapture", _pointer(stream), ctypes.byref(drawn))
        try:
            flags = ctypes.c_ulonglong(0)
            to = ctypes.byref(ready)
            self._call("cuGraphInstantiateWithFlags", to, drawn, flags)
        finally:
            self._call("cuGraphDestroy", drawn)
        return int(ready.value or 0)

    def launch(self, graph: int, stream: int) -> None:
        self._call("cuGraphLaunch", _pointer(graph), _pointer(stream))

    def destroy(self, graph: int) -> None:
        self._call("cuGraphExecDestroy", _pointer(graph))

    @cached_property
    def _driver(self) -> Any:
        try:
            return ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise DeviceRefused(f"there are no CUDA graphs: {error}") from error

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._driver, name)(*arguments)
        if code:
            kind = OutOfDeviceMemory if code == _OUT_OF_MEMORY else DeviceRefused
            raise kind(f"{name} failed: error {code}")


class Graph:
    """Launched on the stream that it was recorded on, until `close`."""

    def __init__(self, card: Gpu, stream: Stream, handle: int) -> None:
        self._card, self._stream, self._handle = card, stream, handle

    def launch(self) -> None:
        """Raises GpuError, DeviceLost where the card itself has failed."""
        with self._card.active():
            try:
                self._card.graphs.launch(self._handle, self._stream.handle)
            except DeviceRefused:
                self._card.check()
                raise

    def close(self) -> None:
        with self._card.active(), suppress(GpuError):
            self._card.graphs.destroy(self._handle)


def record(card: Gpu, stream: Stream, work: Callable[[], bool]) -> Graph:
    """What `work` gives to the stream, of which nothing is done now.

    It must neither wait nor allocate, and answers False when it did not come about.
    Raises GpuError; the stream can be used as before.
    """
    with card.active():
        try:
            card.graphs.begin(stream.handle)
            done = _worked(card, stream, work)
            graph = Graph(card, stream, card.graphs.end(stream.handle))
        except DeviceRefused:
            card.check()
            raise
    if not done:
        graph.close()
        raise DeviceRefused("what was to be recorded did not come about")
    return graph


def _worked(card: Gpu, stream: Stream, work: Callable[[], bool]) -> bool:
    """With what it raises the recording is over."""
    try:
        return work()
    except BaseException:
        with suppress(GpuError):
            card.graphs.destroy(card.graphs.end(stream.handle))
        raise


def _pointer(handle: int) -> ctypes.c_void_p:
    return ctypes.c_void_p(handle)
