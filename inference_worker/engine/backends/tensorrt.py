"""TensorRT: an engine made for this very card, on our own memory and stream."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from inference_worker.engine.backends.device import (
    DeviceBackend,
    Shape,
    usual_most,
)
from inference_worker.engine.errors import InferenceFailed
from inference_worker.engine.gpu import Gpu, Memory, Stream, open_gpu
from inference_worker.engine.graphs import undisturbed
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.tensorrt.library import trt
from inference_worker.engine.tensorrt.listening import Listener
from inference_worker.engine.tensorrt.loading import Loaded
from inference_worker.engine.tensorrt.recording import MOST_RECORDED, Recorder

_LEAST_SCRATCH = 256  # a card has no memory of none


class TensorRtBackend(DeviceBackend):
    """One engine: `model` is its plan, whose signature was verified on these bytes.

    It runs what is in the plan as code. Each profile has a context of its own, so that
    none has to be switched. They run one after another and work in one scratch memory;
    engines never share any, since another one may be warming up on another thread.
    """

    name: ClassVar[str] = "tensorrt"

    def __init__(
        self,
        manifest: Manifest,
        model: bytes,
        *,
        threads: int | None = None,
        precision: str | None = None,
        card: Gpu | None = None,
    ) -> None:
        """`precision` is what the engine was made for, as its manifest says; `threads`
        has no meaning here. Raises PlanWrong, OtherTensorRT, LoadFailed.
        """
        card = card or open_gpu()
        self._heard = Listener()
        self._contexts: list[Any] = []
        self._plan_bytes = len(model)
        with undisturbed(), card.active():  # its libraries take memory, too
            self._loaded = Loaded.of(model, manifest, self._heard)
            half, self._profiles = self._loaded.half, self._loaded.profiles
            self.precision = precision or ("f16" if half else "f32")
            images = min(one.most[0] for one in self._profiles)
            most = min(manifest.input.batch or usual_most(card), images)
            super().__init__(manifest, card, half=half, most=most)
            self._recorder = Recorder(card, self.stream)
            try:
                self._open()
            except BaseException:
                self.close()
                raise

    @property
    def device_bytes(self) -> int:
        """Its buffers, its scratch memory, and its weights: about the plan's size."""
        return super().device_bytes + self._plan_bytes

    def frame(self, canvas: tuple[int, int]) -> tuple[int, int]:
        """The smallest that a profile takes and that holds the canvas."""
        tall, wide = canvas
        found = [
            (max(tall, least[2]), max(wide, least[3]))
            for least, most in ((one.least, one.most) for one in self._profiles)
            if tall <= most[2] and wide <= most[3]
        ]
        if not found:
            raise InferenceFailed(
                f"the engine has no profile for a canvas of {tall} x {wide}",
                "Build it for the sizes of the model's manifest.",
            )
        return min(found, key=lambda frame: frame[0] * frame[1])

    def enqueue(
        self, source: Memory, shape: Shape, stream: Stream
    ) -> tuple[Memory, tuple[int, ...]]:
        self._heard.why()
        profile = self._profile_for(shape)
        if not self._recorder.takes(shape):
            context = self._contexts[profile]
            return self._output, self._queue(context, source, shape)
        answer = self._recorder.launched(shape, source.pointer)
        if answer is None:
            context = self._context(profile)
            answer = self._queue(context, source, shape)
            stream.synchronize()
            self._recorder.record(context, shape, answer, source.pointer)
        return self._output, answer

    def warm_up(self) -> None:
        """Each size with each number of images that has a graph, and with the most."""
        spec = self.manifest.input
        frames = [spec.canvas] if spec.canvas else [(size, size) for size in spec.sizes]
        small = range(1, min(MOST_RECORDED, self.most) + 1)
        for frame in reversed(frames):  # the largest first: it needs most memory
            for count in sorted({*small, self.most}):
                self.forward(np.zeros((count, *frame, spec.channels), np.uint8))
        super().warm_up()

    def close(self) -> None:
        """Graphs before their contexts, those before their engine."""
        with undisturbed():
            self._recorder.close()
            self._contexts.clear()
            self._loaded.close()
            super().close()

    def _open(self) -> None:
        """Contexts, and the memory for the largest that each may be asked for."""
        needed = int(self._loaded.engine.device_memory_size_v2)
        self._scratch = self.alloc(max(needed, _LEAST_SCRATCH))
        largest = 0
        for index, profile in enumerate(self._profiles):
            self._contexts.append(self._context(index))
            answer = self._answer(self._contexts[index], profile.most)
            largest = max(largest, 4 * int(np.prod(answer)))
        self._output = self.alloc(largest)

    def _queue(
        self, context: Any, source: Memory, shape: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Run it on our stream: the output's shape."""
        answer = self._answer(context, shape)
        addresses = ((self._loaded.source, source), (self._loaded.result, self._output))
        for name, memory in addresses:
            done = context.set_tensor_address(name, memory.pointer)
            self._must(done, f"the address of {name}")
        context.set_device_memory(self._scratch.pointer, self._scratch.nbytes)
        done = context.execute_async_v3(self.stream.handle)
        self._must(done, "to run the engine")
        return answer

    def _answer(self, context: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The output's shape for this input's, which is set."""
        self._must(
            context.set_input_shape(self._loaded.source, shape), f"the shape {shape}"
        )
        answer = tuple(context.get_tensor_shape(self._loaded.result))
        if len(answer) != 3 or min(answer) < 1:
            raise self._failed(f"the output for {shape} would be {answer}")
        return answer

    def _context(self, profile: int) -> Any:
        heard = self._heard
        strategy = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        context = self._loaded.engine.create_execution_context(strategy)
        if context is None:
            raise heard.load_failed(f"no context for profile {profile}")
        context.error_recorder = heard.recorder
        with heard.making(f"profile {profile} cannot be set"):
            done = context.set_optimization_profile_async(profile, self.stream.handle)
        if not done:
            raise heard.load_failed(f"profile {profile} cannot be set")
        self.stream.synchronize()
        return context

    def _profile_for(self, shape: Shape) -> int:
        """The smallest that takes it."""
        fitting = [i for i, one in enumerate(self._profiles) if one.takes(shape)]
        if not fitting:
            raise InferenceFailed(
                f"the engine has no profile for {shape}",
                "Build it for the sizes of the model's manifest.",
            )
        return min(fitting, key=lambda i: int(np.prod(self._profiles[i].most)))

    def _must(self, done: bool, what: str) -> None:
        if not done:
            raise self._failed(f"TensorRT refused {what}")

    def _failed(self, what: str) -> InferenceFailed:
        """DeviceLost instead where the card itself has failed."""
        self.card.check()
        return InferenceFailed(what, "", self._heard.why())
