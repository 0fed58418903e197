"""From a plan's bytes to an engine whose tensors and profiles are those we know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from inference_worker.engine.errors import LoadFailed, OtherTensorRT
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.tensorrt.library import trt
from inference_worker.engine.tensorrt.listening import Listener
from inference_worker.engine.tensorrt.plan import version_of
from inference_worker.engine.tensorrt.profiles import Profile

_HALF, _SINGLE = trt.DataType.HALF, trt.DataType.FLOAT


@dataclass(eq=False)
class Loaded:
    """An engine, which the runtime must outlive; the names of its only input and its
    only output, and whether the input is float16.
    """

    runtime: Any
    engine: Any
    source: str
    result: str
    half: bool
    profiles: tuple[Profile, ...]

    @classmethod
    def of(cls, plan: bytes, manifest: Manifest, heard: Listener) -> Self:
        """Within the card's context. Raises PlanWrong and OtherTensorRT before, and
        LoadFailed after the plan was deserialised.
        """
        by, here = version_of(plan), str(trt.__version__)
        if by != here:
            raise OtherTensorRT(f"built by TensorRT {by}; here is {here}")
        runtime, engine = _deserialised(plan, heard)
        source, result = _tensors(engine)
        half = engine.get_tensor_dtype(source) == _HALF
        profiles = _profiles(engine, source)
        _check_profiles(profiles, manifest)
        return cls(runtime, engine, source, result, half, profiles)

    def close(self) -> None:
        """The engine before its runtime; contexts must be gone."""
        self.engine = None
        self.runtime = None


def _deserialised(plan: bytes, heard: Listener) -> tuple[Any, Any]:
    """Plans may bring code of their own; ours never do, and none is allowed."""
    with heard.making("there is no runtime"):
        runtime = trt.Runtime(heard.logger)
        runtime.error_recorder = heard.recorder
        runtime.engine_host_code_allowed = False
    if runtime.engine_host_code_allowed:
        raise LoadFailed("TensorRT would run code that a plan brings along")
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise heard.load_failed(
            "the engine could not be deserialised",
            "Build it on this machine: python -m inference_worker build",
        )
    engine.error_recorder = heard.recorder
    return runtime, engine


def _tensors(engine: Any) -> tuple[str, str]:
    """Names of the only input and the only output, whose types we know."""
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    kinds = [engine.get_tensor_mode(name) for name in names]
    source, result = trt.TensorIOMode.INPUT, trt.TensorIOMode.OUTPUT
    if sorted(map(int, kinds)) != sorted(map(int, (source, result))):
        raise LoadFailed(f"the engine has the tensors {', '.join(names)}, not two")
    first, last = names[kinds.index(source)], names[kinds.index(result)]
    typed = engine.get_tensor_dtype
    if typed(first) not in (_HALF, _SINGLE) or typed(last) != _SINGLE:
        raise LoadFailed(f"the engine takes {typed(first)} and gives {typed(last)}")
    return first, last


def _profiles(engine: Any, source: str) -> tuple[Profile, ...]:
    found = []
    for index in range(engine.num_optimization_profiles):
        shapes = engine.get_tensor_profile_shape(source, index)
        found.append(Profile(*(tuple(shape) for shape in shapes)))
    return tuple(found)


def _check_profiles(found: Sequence[Profile], manifest: Manifest) -> None:
    """LoadFailed for an engine that was made for another network's input."""
    spec = manifest.input
    if {one.most[1] for one in found} != {spec.channels}:
        raise LoadFailed(
            f"the engine takes other planes than the {spec.channels} of its manifest"
        )
    for height, width in (
        [spec.canvas] if spec.canvas else zip(spec.sizes, spec.sizes, strict=True)
    ):
        if not any(height <= o.most[2] and width <= o.most[3] for o in found):
            raise LoadFailed(
                f"the engine has no profile for {height} x {width}",
                "Build it for all sizes of the model's manifest.",
            )
