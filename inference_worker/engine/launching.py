"""Kernels of CUDA C: compiled once for each source and card, and launched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference_worker.engine.binding import HOW_TO, Binding
from inference_worker.engine.errors import BackendUnavailable, GpuError
from inference_worker.engine.visible import first_line

if TYPE_CHECKING:
    from inference_worker.engine.gpu import Gpu, Stream


class Kernel:
    """A compiled function. Calling it queues one launch."""

    def __init__(self, gpu: Gpu, function: Any, signature: str) -> None:
        self._gpu, self._function = gpu, function
        function.prepare(signature)

    def __call__(
        self,
        grid: tuple[int, int, int],
        block: tuple[int, int, int],
        stream: Stream,
        *args: float,
    ) -> None:
        with self._gpu.active():
            self._function.prepared_async_call(grid, block, stream.raw, *args)


class Kernels:
    """Of one card."""

    def __init__(self, gpu: Gpu, binding: Binding) -> None:
        self._gpu, self._binding = gpu, binding
        self._modules: dict[str, Any] = {}

    def find(self, source: str, name: str, signature: str) -> Kernel:
        """See `Gpu.kernel`."""
        if source not in self._modules:
            cubin = self._compiled(source)
            with self._gpu.active():
                load = self._binding.driver.module_from_buffer
                self._modules[source] = load(cubin)
        with self._gpu.active():
            function = self._modules[source].get_function(name)
            return Kernel(self._gpu, function, signature)

    def _compiled(self, source: str) -> bytes:
        major, minor = self._gpu.compute_capability
        try:
            with self._gpu.active():
                return self._binding.compile(source, f"sm_{major}{minor}")
        except GpuError:
            raise
        except Exception as error:
            raise BackendUnavailable(
                f"the kernels could not be compiled: {first_line(error)}", HOW_TO
            ) from error
