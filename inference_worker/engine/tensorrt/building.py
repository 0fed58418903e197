"""Make one engine, in this process: `builder` runs it in one of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inference_worker.engine.errors import BuildCancelled, BuildFailed
from inference_worker.engine.tensorrt.library import trt
from inference_worker.engine.tensorrt.listening import Listener
from inference_worker.engine.tensorrt.profiles import Profile
from inference_worker.engine.tensorrt.progress import Monitor, Progress

_MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Order:
    """`onnx` as it shall be computed; `workspace` bytes at most for one layer's scratch
    memory; `timing_cache` of an earlier build, or empty.
    """

    onnx: bytes
    profiles: tuple[Profile, ...]
    workspace: int
    timing_cache: bytes = b""


@dataclass(frozen=True, slots=True)
class Made:
    plan: bytes
    timing_cache: bytes
    warnings: tuple[str, ...] = ()


def make(
    order: Order,
    tell: Callable[[Progress], None],
    cancelled: Callable[[], bool],
) -> Made:
    """Takes minutes. Raises BuildFailed with TensorRT's reasons, or BuildCancelled."""
    return _Build(order, Monitor(tell, cancelled), cancelled).run()


class _Build:
    """TensorRT's objects, which refer to each other, as long as one build takes."""

    def __init__(
        self, order: Order, monitor: Monitor, cancelled: Callable[[], bool]
    ) -> None:
        self._order, self._monitor, self._cancelled = order, monitor, cancelled
        self._heard = Listener()
        self._warnings: list[str] = []

    def run(self) -> Made:
        try:
            return self._run()
        except (TypeError, RuntimeError) as error:  # its constructors and setters
            raise self._failed(str(error)) from error

    def _run(self) -> Made:
        builder = trt.Builder(self._heard.logger)
        builder.error_recorder = self._heard.recorder
        network = self._there(builder.create_network(_strongly_typed()), "no network")
        self._parse(network)
        config = self._there(builder.create_builder_config(), "no configuration")
        workspace = trt.MemoryPoolType.WORKSPACE
        config.set_memory_pool_limit(workspace, self._order.workspace)
        config.progress_monitor = self._monitor
        self._set_profiles(builder, network, config)
        cache = self._set_timing_cache(config)
        plan = builder.build_serialized_network(network, config)
        if plan is None and self._cancelled():
            raise BuildCancelled("the build was cancelled; nothing was made")
        made = bytes(self._there(plan, "no engine could be built"))
        return Made(made, _serialised(cache), tuple(self._warnings))

    def _parse(self, network: Any) -> None:
        parser = trt.OnnxParser(network, self._heard.logger)
        if not parser.parse(self._order.onnx):
            count = min(parser.num_errors, _MOST_ERRORS)
            said = [_as_text(parser.get_error(i)) for i in range(count)]
            raise BuildFailed(
                "TensorRT cannot read this ONNX file",
                "The operators named are not TensorRT's; other backends may run it.",
                [*said, *self._heard.why()],
            )

    def _set_profiles(self, builder: Any, network: Any, config: Any) -> None:
        source = network.get_input(0)
        if network.num_inputs != 1:
            raise self._failed(f"the network takes {network.num_inputs} inputs, not 1")
        if -1 not in tuple(source.shape):
            return
        for profile in self._order.profiles:
            one = self._there(builder.create_optimization_profile(), "no profile")
            one.set_shape(source.name, profile.least, profile.best, profile.most)
            if config.add_optimization_profile(one) < 0:
                raise self._failed(f"the profile {profile.as_json()} was refused")

    def _set_timing_cache(self, config: Any) -> Any:
        """An unfit old cache is left out: it saves time and is not needed."""
        cache = self._taken(config, self._order.timing_cache)
        if cache is None and self._order.timing_cache:
            self._warnings.append("the timing cache did not fit and was begun anew")
            cache = self._taken(config, b"")
        return self._there(cache, "it takes no timing cache")

    @staticmethod
    def _taken(config: Any, content: bytes) -> Any:
        """None for one that is damaged, or of another version or card."""
        cache = config.create_timing_cache(content)
        fits = cache is not None and config.set_timing_cache(cache, False)
        return cache if fits else None

    def _there(self, made: Any, otherwise: str) -> Any:
        if made is None:
            raise self._failed(otherwise)
        return made

    def _failed(self, what: str) -> BuildFailed:
        return BuildFailed(f"TensorRT: {what}", "", self._heard.why())


def _strongly_typed() -> int:
    """The flag's place differs between versions; 11 knows no other networks."""
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def _serialised(cache: Any) -> bytes:
    held = cache.serialize()
    return b"" if held is None else bytes(held)


def _as_text(error: Any) -> str:
    """`node 12 'head/odd' (CustomOp): UNSUPPORTED_NODE: … (onnxOpImporters.cpp:412)`"""
    place = f"{error.file()}:{error.line()}"
    said = f"{error.code().name}: {error.desc()} ({place})"
    if error.node() < 0:
        return said
    name = f" {error.node_name()!r}" if error.node_name() else ""
    return f"node {error.node()}{name} ({error.node_operator()}): {said}"
