"""ONNX Runtime's CUDA provider on our own memory and stream: the GPU rung that needs
no TensorRT.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inference_worker.engine.backends.device import DeviceBackend, Shape
from inference_worker.engine.backends.fixed_shape import Network
from inference_worker.engine.backends.onnxruntime import (
    CUDA,
    input_name,
    open_session,
    preload,
    runtime,
    session_options,
)
from inference_worker.engine.errors import (
    BackendUnavailable,
    EngineError,
    InferenceFailed,
    LoadFailed,
    OutOfDeviceMemory,
)
from inference_worker.engine.gpu import Memory, Stream, open_gpu
from inference_worker.engine.graphs import undisturbed
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.visible import first_line

SLOTS = (1, 2, 4, 8, 16, 32)
"""Images that a session is made for; a batch takes the next larger."""

_CARD_SHARE = 0.8 / 3  # for one model: three a card, a fifth kept free
_RUNS_TO_RECORD = 3
# ONNX Runtime tells of missing memory in words alone; 2 is cudaErrorMemoryAllocation,
# 3 CUBLAS_STATUS_ALLOC_FAILED, 4000 and on cuDNN's.
_NO_MEMORY = (
    *("CUDA failure 2:", "CUDA error 2:", "Failed to allocate memory"),
    *("CUBLAS failure 3:", "_STATUS_ALLOC_FAILED"),
)
# What says so stands behind the signatures of the C++ functions that found it.
_FAILURE = re.compile(r"CU[A-Z]+ (?:failure|error) \d+: [^;]*[^; ]")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Fixed:
    """The network at one shape, bound to its memory; `run` queues it."""

    session: Any
    binding: Any
    options: Any
    output: Memory
    shape: tuple[int, ...]

    def run(self) -> None:
        self.session.run_with_iobinding(self.binding, self.options)


class CudaBackend(DeviceBackend):
    """A session for each shape, opened when it first comes: fixed shapes let the
    runtime fold all that follows from them and record a CUDA graph. Canvases are
    square, so that there are few, and `warm_up` opens them all.

    `precision` is f16 unless given (the graph converted; boxes and scores stay in f32)
    or f32, without TF32. `threads` is for what the runtime leaves to the CPU. `tuning`
    goes to the CUDA provider over our own options, to measure what they give.
    """

    name = "cuda"
    provider: ClassVar[str] = CUDA
    device: ClassVar[str] = "cuda"

    def __init__(
        self,
        manifest: Manifest,
        model: bytes,
        *,
        threads: int | None = None,
        precision: str | None = None,
        tuning: Mapping[str, str] | None = None,
    ) -> None:
        self._ort = runtime()
        if self.provider not in self._ort.get_available_providers():
            raise BackendUnavailable(
                "this ONNX Runtime has no CUDA",
                "pip install -r requirements-gpu.txt, then ONNX Runtime for CUDA over "
                "the one for the CPU: docs/gpu.md, Install.",
            )
        if precision not in (None, "f16", "f32"):
            raise LoadFailed(
                f"CUDA computes in f16 or f32 here, not in {precision}",
                "Leave --precision out, or take another --backend.",
            )
        self.precision = precision or "f16"
        half = self.precision == "f16"
        preload(self._ort)
        self._network = Network.of(model, half)
        self._options = session_options(self._ort, threads)
        self._tuning = dict(tuning or {})
        self._records = self.device == "cuda"
        self._fixed: dict[Shape, _Fixed] = {}
        self._known = threading.local()
        super().__init__(manifest, open_gpu(), half=half)

    def frame(self, canvas: tuple[int, int]) -> tuple[int, int]:
        return self.manifest.input.canvas or (max(canvas), max(canvas))

    def slots(self, count: int) -> int:
        return self.manifest.input.batch or min(n for n in SLOTS if n >= count)

    def enqueue(
        self, source: Memory, shape: Shape, stream: Stream
    ) -> tuple[Memory, tuple[int, ...]]:
        try:
            with self._recorded(shape):
                if shape not in self._fixed:
                    self._fixed[shape] = self._open(source, shape, stream)
                self._fixed[shape].run()
        except EngineError:
            raise
        except Exception as error:  # its exceptions share no other base
            raise self._translated(error) from error
        return self._fixed[shape].output, self._fixed[shape].shape

    def warm_up(self) -> None:
        """Each size at each number of images: opening one takes a second or so."""
        spec = self.manifest.input
        frames = [spec.canvas] if spec.canvas else [(size, size) for size in spec.sizes]
        for frame in reversed(frames):  # the largest first: it needs most memory
            for count in sorted({self.slots(n + 1) for n in range(self.most)}):
                self.forward(np.zeros((count, *frame, spec.channels), np.uint8))
        super().warm_up()

    def close(self) -> None:
        with undisturbed():  # the sessions give back memory, too
            self._fixed.clear()
            super().close()

    @contextmanager
    def _recorded(self, shape: Shape) -> Iterator[None]:
        """For one run. The runtime keeps graphs by thread: what was recorded while this
        backend came up is recorded once more by the thread that has the traffic.
        """
        runs: Counter[Shape] = self._known.__dict__.setdefault("runs", Counter())
        known = not self._records or runs[shape] >= _RUNS_TO_RECORD
        with nullcontext() if known else undisturbed():
            yield
        runs[shape] += 1

    def _open(self, source: Memory, shape: Shape, stream: Stream) -> _Fixed:
        """With its CUDA graph recorded, where that can be."""
        if not self._records:
            return self._bound(source, shape, stream, {})
        try:
            fixed = self._bound(source, shape, stream, {"enable_cuda_graph": "1"})
            for _ in range(_RUNS_TO_RECORD):
                fixed.run()
            stream.synchronize()
            return fixed
        except Exception as error:
            wrong = self._translated(error)
            if isinstance(wrong, OutOfDeviceMemory):
                raise wrong from error
            log.warning("going on without CUDA graphs: %s", wrong)
            self._records = False
            return self._bound(source, shape, stream, {})

    def _bound(
        self, source: Memory, shape: Shape, stream: Stream, extra: Mapping[str, str]
    ) -> _Fixed:
        session = self._session(shape, stream, extra)
        answer = self._answer(session, source, shape, stream)
        output = self.alloc(4 * int(np.prod(answer)))
        binding = self._input_bound(session, source, shape)
        name = session.get_outputs()[0].name
        place = (self.device, self.card.index)
        binding.bind_output(name, *place, np.float32, answer, output.pointer)
        options = self._ort.RunOptions()
        # Our stream is waited for once, when the output has come down.
        options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        return _Fixed(session, binding, options, output, answer)

    def _answer(
        self, session: Any, source: Memory, shape: Shape, stream: Stream
    ) -> tuple[int, ...]:
        """The output's shape: most often the runtime knows it without running."""
        told = tuple(session.get_outputs()[0].shape)
        if all(isinstance(size, int) for size in told):
            return told
        plain = self._session(shape, stream, {})
        binding = self._input_bound(plain, source, shape)
        name = plain.get_outputs()[0].name
        binding.bind_output(name, self.device, self.card.index)
        plain.run_with_iobinding(binding)
        return tuple(binding.get_outputs()[0].shape())

    def _input_bound(self, session: Any, source: Memory, shape: Shape) -> Any:
        binding = session.io_binding()
        kind = np.float16 if self.half else np.float32
        name = input_name(session, self.manifest)
        place = (self.device, self.card.index)
        binding.bind_input(name, *place, kind, shape, source.pointer)
        return binding

    def _session(self, shape: Shape, stream: Stream, extra: Mapping[str, str]) -> Any:
        network = self._network.at(shape)
        asked = (self.provider, self._provider_options(stream) | dict(extra))
        session = open_session(self._ort, network, self._options, [asked])
        if session.get_providers()[0] != self.provider:
            raise LoadFailed(f"ONNX Runtime did not take {self.provider}")
        return session

    def _provider_options(self, stream: Stream) -> dict[str, str]:
        """TF32 rounds to 10 bits, and would not be the f32 that `precision` promises.
        An exhaustive search costs seconds for each of many shapes.
        """
        options = {
            "device_id": str(self.card.index),
            "user_compute_stream": str(stream.handle),
            "gpu_mem_limit": str(int(self.card.total_bytes * _CARD_SHARE)),
            "arena_extend_strategy": "kSameAsRequested",
            "cudnn_conv_algo_search": "HEURISTIC",
            "use_tf32": "0",
        }
        return options | self._tuning

    def _translated(self, error: Exception) -> EngineError:
        """Ours for ONNX Runtime's; DeviceLost is raised at once."""
        self.card.check()
        if isinstance(error, EngineError):
            return error
        failure = _FAILURE.search(str(error))
        said = f"ONNX Runtime: {failure[0] if failure else first_line(error)}"
        if any(words in str(error) for words in _NO_MEMORY):
            return OutOfDeviceMemory(said)
        return InferenceFailed(said)
