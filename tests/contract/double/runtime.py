"""Runtime, engine and context as NVIDIA documents them; ONNX Runtime computes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from tests.contract.double.plan import Plan, Tensor, fault
from tests.contract.double.world import FAILED_ALLOCATION, World, has
from tests.contract.vtables import Object

MIB = 2**20
INPUT, OUTPUT = 1, 2
USER_MANAGED = 2
DTYPES = {0: np.float32, 1: np.float16}

Shapes = dict[str, tuple[int, ...]]

_learnt: dict[tuple[Any, ...], dict[str, tuple[int, ...]]] = {}


class Runtime(Object):
    cxx = "VRuntime"

    def __init__(self, world: World, logger: int) -> None:
        self.world, self.logger, self.recorder = world, logger, 0
        super().__init__(world.slots)

    def setEngineHostCodeAllowed(self, allowed: bool) -> None:
        self.world.calls.append(f"host code {allowed}")

    def getEngineHostCodeAllowed(self) -> bool:
        return has("host_code")

    def setErrorRecorder(self, recorder: int) -> None:
        self.recorder = recorder or 0

    def deserializeCudaEngine(self, place: int, size: int) -> Object | None:
        raw = ctypes.string_at(place, size)
        self.world.calls.append("deserialise")
        why = fault(raw, self.world.numbers)
        if has("deserialise"):
            why = "Error Code 6: API Usage Error (not enough memory for the weights)"
        if why is not None:
            self.world.log(self.logger, why)
            return None
        return self.world.made(Engine(self, Plan.read(raw)))


class Engine(Object):
    cxx = "VCudaEngine"

    def __init__(self, runtime: Runtime, plan: Plan) -> None:
        self.runtime, self.plan, self.recorder = runtime, plan, 0
        self.world = runtime.world
        self.tensors = {one.name: one for one in plan.tensors}
        super().__init__(runtime.world.slots)

    def setErrorRecorder(self, recorder: int) -> None:
        self.recorder = recorder or 0

    def getNbIOTensors(self) -> int:
        return len(self.plan.tensors)

    def getIOTensorName(self, index: int) -> str:
        return self.plan.tensors[index].name

    def getTensorIOMode(self, name: str) -> int:
        return INPUT if self.tensors[name].is_input else OUTPUT

    def getTensorDataType(self, name: str) -> int:
        return self.tensors[name].type

    def getTensorShape(self, name: str) -> Sequence[int]:
        return self.tensors[name].shape

    def getNbOptimizationProfiles(self) -> int:
        return len(self.plan.profiles)

    def getProfileShape(self, name: str, index: int, which: int) -> Sequence[int]:
        return self.plan.profiles[index][name][which]

    def getDeviceMemorySizeV2(self) -> int:
        return 3 * MIB

    def createExecutionContext(self, strategy: int) -> Object | None:
        if has("context"):
            self.runtime.world.log(self.runtime.logger, "Error Code 2: OutOfMemory")
            return None
        self.world.calls.append(f"context strategy={strategy}")
        return self.world.made(Context(self, strategy))


class Context(Object):
    cxx = "VExecutionContext"

    def __init__(self, engine: Engine, strategy: int) -> None:
        self.engine, self.world, self.recorder = engine, engine.world, 0
        self.profile = 0
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}
        self.lacks_memory = strategy == USER_MANAGED
        self.scratch, self.recorded = 0, False
        super().__init__(engine.world.slots)

    def setErrorRecorder(self, recorder: int) -> None:
        self.recorder = recorder or 0

    def setOptimizationProfileAsync(self, index: int, stream: int) -> bool:
        self.shapes.clear()
        self.profile = index
        known = index < len(self.engine.plan.profiles)
        return known and not has("profile_switch")

    def setDeviceMemoryV2(self, place: int, size: int) -> None:
        self.scratch = place
        self.lacks_memory = size < self.engine.getDeviceMemorySizeV2()
        self.world.calls.append(f"scratch {place}")

    def setInputShape(self, name: str, shape: tuple[int, ...]) -> bool:
        limits = self.engine.plan.profiles[self.profile].get(name)
        if self.recorded:
            self._log("setInputShape: a graph was recorded of this context")
            return False
        if limits is None or has("shape") or not _within(shape, limits):
            self._log(f"setInputShape: {name} {shape} violates profile {self.profile}")
            return False
        self.shapes[name] = shape
        return True

    def setTensorAddress(self, name: str, place: int) -> bool:
        if name not in self.engine.tensors or has("address"):
            self._log(f"setTensorAddress: {name} cannot be at {place}")
            return False
        self.addresses[name] = place
        return True

    def getTensorShape(self, name: str) -> Sequence[int]:
        tensor = self.engine.tensors[name]
        if tensor.is_input:
            return self.shapes.get(name, tensor.shape)
        if len(self.shapes) < len(self._inputs) or has("infer"):
            return tensor.shape
        return self._shapes()[name]

    def getEngine(self) -> Object:
        return self.engine

    def inferShapes(self, count: int, names: int) -> int:
        return 0

    def enqueueV3(self, stream: int) -> bool:
        self.world.calls.append(f"enqueue stream={stream or 0}")
        if has("execute"):
            self.world.report(
                self.recorder, FAILED_ALLOCATION, "no memory for the activations"
            )
            return False
        ready = len(self.addresses) == len(self.engine.tensors)
        if not ready or self.lacks_memory or len(self.shapes) < len(self._inputs):
            self._log("enqueueV3: shapes, addresses or scratch memory are missing")
            return False
        run = partial(self._run, dict(self.shapes), dict(self.addresses), self.scratch)
        driver = self.world.driver
        if driver is None:
            run()
            return True
        self.recorded = driver.streams[stream].recorded is not None
        if self.recorded and has("recorded_run"):
            return False
        driver.in_stream(stream, run)
        return True

    def _run(self, shapes: Shapes, addresses: dict[str, int], scratch: int) -> None:
        """With shapes and addresses as they were when it was given to the stream."""
        driver = self.world.driver
        if driver is not None and scratch and scratch not in driver.taken:
            raise RuntimeError("the scratch memory of this run is gone")
        for name, value in self._computed(shapes, addresses).items():
            kind = DTYPES[self.engine.tensors[name].type]
            wrong = has("numbers")
            ready = np.ascontiguousarray(np.zeros_like(value) if wrong else value, kind)
            ctypes.memmove(addresses[name], ready.ctypes.data, ready.nbytes)

    def _computed(self, shapes: Shapes, addresses: dict[str, int]) -> dict[str, Any]:
        """The outputs for what lies at the inputs' addresses."""
        given = {}
        for one in self._inputs:
            array = np.empty(shapes[one.name], DTYPES[one.type])
            ctypes.memmove(array.ctypes.data, addresses[one.name], array.nbytes)
            given[one.name] = array
        return self._run_on(given)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the outputs, learnt once for each shape of the inputs."""
        key = (hash(self.engine.plan.onnx), *sorted(self.shapes.items()))
        if key not in _learnt:
            zeros = {
                one.name: np.zeros(self.shapes[one.name], DTYPES[one.type])
                for one in self._inputs
            }
            found = self._run_on(zeros)
            _learnt[key] = {name: value.shape for name, value in found.items()}
        return _learnt[key]

    def _run_on(self, given: dict[str, Any]) -> dict[str, Any]:
        names = [o.name for o in self.engine.plan.tensors if not o.is_input]
        values = _session(self.engine.plan.onnx).run(names, given)
        return dict(zip(names, values, strict=True))

    @property
    def _inputs(self) -> list[Tensor]:
        return [one for one in self.engine.plan.tensors if one.is_input]

    def _log(self, message: str) -> None:
        self.world.log(self.engine.runtime.logger, message)


def _within(shape: Sequence[int], limits: Sequence[Sequence[int]]) -> bool:
    least, _, most = limits
    return len(shape) == len(least) and all(
        a <= n <= b for a, n, b in zip(least, shape, most, strict=True)
    )


@cache
def _session(onnx: bytes) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(onnx, options, ["CPUExecutionProvider"])
