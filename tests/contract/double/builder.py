"""Builder, parser and configuration as NVIDIA documents them; nothing is optimised."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterable

import onnx

from tests.contract.double.plan import TYPES, Plan, Tensor
from tests.contract.double.world import World, has
from tests.contract.vtables import Object

UNSUPPORTED_NODE, DESERIALISE_FAILED = 8, 3
STRONGLY_TYPED = {10: 1, 11: 0}
STEPS, SLOW_STEPS = 3, 200
OTHER_CARD = b"another card"
"""In a timing cache: it is of this version, and was made elsewhere."""

_TEXT, _NUMBER = ctypes.c_char_p, ctypes.c_int32


class Builder(Object):
    cxx = "VBuilder"

    def __init__(self, world: World, logger: int) -> None:
        self.world, self.logger, self.recorder = world, logger, 0
        super().__init__(world.slots)

    def setErrorRecorder(self, recorder: int) -> None:
        self.recorder = recorder or 0

    def createNetworkV2(self, flags: int) -> Object | None:
        if has("network"):
            return None
        return self.world.made(Network(self.world, flags))

    def createBuilderConfig(self) -> Object | None:
        return None if has("config") else self.world.made(Config(self.world))

    def createOptimizationProfile(self) -> Object:
        return self.world.made(Profile(self.world))

    def buildSerializedNetwork(self, network: int, config: int) -> Object | None:
        net, asked = self.world.objects[network], self.world.objects[config]
        assert isinstance(net, Network)
        assert isinstance(asked, Config)
        if has("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        why = self._refusal(net, asked)
        if why is not None:
            self.world.log(self.logger, why)
            return None
        plan = Plan(
            net.tensors,
            [one.shapes for one in asked.profiles],
            bool(net.flags >> STRONGLY_TYPED[self.world.numbers[0]] & 1),
            asked.workspace,
            net.onnx,
        )
        return Bytes(self.world, plan.written(self.world.numbers))

    def _refusal(self, network: Network, config: Config) -> str | None:
        if not config.tell_of_progress():
            return "Error Code 4: the build was cancelled by its progress monitor"
        if has("plan"):
            return "Error Code 10: Could not find any implementation for node Conv_7"
        dynamic = [o.name for o in network.tensors if o.is_input and -1 in o.shape]
        if any(name not in p.shapes for p in config.profiles for name in dynamic):
            return "Error Code 4: an input has no shape in a profile"
        if dynamic and not config.profiles:
            return "Network has dynamic or shape inputs, but no optimization profile"
        return None


class Network(Object):
    cxx = "VNetworkDefinition"

    def __init__(self, world: World, flags: int) -> None:
        self.world, self.flags = world, flags
        self.tensors: list[Tensor] = []
        self.onnx = b""
        super().__init__(world.slots)

    def getNbInputs(self) -> int:
        return sum(one.is_input for one in self.tensors)

    def getInput(self, index: int) -> Object:
        inputs = [one for one in self.tensors if one.is_input]
        return NetworkTensor(self.world, inputs[index])

    def getNbOutputs(self) -> int:
        return sum(not one.is_input for one in self.tensors)

    def getOutput(self, index: int) -> Object:
        outputs = [one for one in self.tensors if not one.is_input]
        return NetworkTensor(self.world, outputs[index])


class NetworkTensor(Object):
    cxx = "VTensor"

    def __init__(self, world: World, tensor: Tensor) -> None:
        self.tensor = tensor
        super().__init__(world.slots)

    def getName(self) -> str:
        return self.tensor.name

    def getDimensions(self) -> list[int]:
        return self.tensor.shape

    def getType(self) -> int:
        return self.tensor.type


class Parser(Object):
    cxx = "IParser"
    is_plain = True

    def __init__(self, world: World, network: int) -> None:
        self.world = world
        self.network = world.objects[network]
        self.errors: list[Object] = []
        super().__init__(world.slots)

    def parse(self, place: int, size: int, path: str | None) -> bool:
        content = ctypes.string_at(place, size)
        try:
            model = onnx.load_model_from_string(content)
        except Exception:
            self._refuse(DESERIALISE_FAILED, "Failed to parse the ONNX model", -1)
            return False
        for index, node in enumerate(model.graph.node):
            if node.domain or has("parse"):
                self._refuse(UNSUPPORTED_NODE, "no importer registered", index, node)
        if self.errors:
            return False
        assert isinstance(self.network, Network)
        self.network.tensors = list(_tensors(model.graph))
        self.network.onnx = content
        return True

    def getNbErrors(self) -> int:
        return len(self.errors)

    def getError(self, index: int) -> Object:
        return self.errors[index]

    def _refuse(
        self, code: int, why: str, index: int, node: onnx.NodeProto | None = None
    ) -> None:
        node = node or onnx.NodeProto()
        self.errors.append(ParserError(self.world, code, why, index, node))


class ParserError(Object):
    cxx = "IParserError"
    is_plain = True

    def __init__(
        self, world: World, code: int, why: str, index: int, node: onnx.NodeProto
    ) -> None:
        self._code, self._why, self._index, self._node = code, why, index, node
        super().__init__(world.slots)

    def code(self) -> int:
        return self._code

    def desc(self) -> str:
        return self._why

    def file(self) -> str:
        return "onnxOpImporters.cpp"

    def line(self) -> int:
        return 412

    def func(self) -> str:
        return "importNode"

    def node(self) -> int:
        return self._index

    def nodeName(self) -> str:
        return str(self._node.name)

    def nodeOperator(self) -> str:
        return str(self._node.op_type)


class Profile(Object):
    cxx = "VOptimizationProfile"

    def __init__(self, world: World) -> None:
        self.shapes: dict[str, list[list[int]]] = {}
        super().__init__(world.slots)

    def setDimensions(self, name: str, which: int, shape: tuple[int, ...]) -> bool:
        mine = self.shapes.setdefault(name, [])
        if any(b < a for before in mine for a, b in zip(before, shape, strict=True)):
            return False
        mine.append(list(shape))
        return not has("profile_shape")

    def isValid(self) -> bool:
        return True


class Config(Object):
    cxx = "VBuilderConfig"

    def __init__(self, world: World) -> None:
        self.world, self.workspace, self.monitor = world, 0, 0
        self.profiles: list[Profile] = []
        self.cache: Object | None = None
        super().__init__(world.slots)

    def setMemoryPoolLimit(self, pool: int, size: int) -> None:
        if pool == 0:
            self.workspace = size

    def addOptimizationProfile(self, profile: int) -> int:
        if has("profile_index"):
            return -1
        found = self.world.objects[profile]
        assert isinstance(found, Profile)
        self.profiles.append(found)
        return len(self.profiles) - 1

    def setProgressMonitor(self, monitor: int) -> None:
        self.monitor = monitor or 0

    def createTimingCache(self, place: int, size: int) -> Object | None:
        content = ctypes.string_at(place, size) if size else b""
        if content and not content.startswith(self._cache_head()):
            return None
        return self.world.made(TimingCache(self.world, content or self._cache_head()))

    def setTimingCache(self, cache: int, ignore_mismatch: bool) -> bool:
        found = self.world.objects[cache]
        assert isinstance(found, TimingCache)
        self.cache = found
        return OTHER_CARD not in found.content and not has("timing_cache")

    def getTimingCache(self) -> Object | None:
        return self.cache

    def _cache_head(self) -> bytes:
        return f"timings of {self.world.version}:".encode()

    def tell_of_progress(self) -> bool:
        """False when the monitor wants no more."""
        if not self.monitor:
            return True
        tell, start = self.world.tell, (None, _TEXT, _TEXT, _NUMBER)
        step, end = (ctypes.c_bool, _TEXT, _NUMBER), (None, _TEXT)
        whole, part = b"Building Engine", b"Tactics"
        tell(self.monitor, "phaseStart", start, whole, None, STEPS)
        going = True
        for at in range(STEPS):
            inner = SLOW_STEPS if has("slow") else STEPS
            tell(self.monitor, "phaseStart", start, part, whole, inner)
            for small in range(inner):
                time.sleep(0.05 if has("slow") else 0)
                going = going and tell(self.monitor, "stepComplete", step, part, small)
                if not going and not has("deaf"):
                    break
            tell(self.monitor, "phaseFinish", end, part)
            going = going and tell(self.monitor, "stepComplete", step, whole, at)
        tell(self.monitor, "phaseFinish", end, whole)
        return bool(going)


class TimingCache(Object):
    cxx = "VTimingCache"

    def __init__(self, world: World, content: bytes) -> None:
        self.world, self.content = world, content
        super().__init__(world.slots)

    def serialize(self) -> Object:
        return Bytes(self.world, self.content + b"+")


class Bytes(Object):
    cxx = "VHostMemory"

    def __init__(self, world: World, content: bytes) -> None:
        self.content = ctypes.create_string_buffer(content, len(content))
        super().__init__(world.slots)

    def data(self) -> int:
        return ctypes.addressof(self.content)

    def size(self) -> int:
        return len(self.content)

    def type(self) -> int:
        return 5  # uint8


def _tensors(graph: onnx.GraphProto) -> Iterable[Tensor]:
    for is_input, values in ((True, graph.input), (False, graph.output)):
        for one in values:
            kind = one.type.tensor_type
            shape = [d.dim_value if d.dim_value else -1 for d in kind.shape.dim]
            yield Tensor(one.name, shape, TYPES[kind.elem_type], is_input)
