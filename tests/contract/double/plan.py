"""The double's plans: NVIDIA's header, what was asked for, then the ONNX itself."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass

MAGIC = b"ftrt"
_HEADER = 28
_FLOAT, _HALF = 0, 1
TYPES = {1: _FLOAT, 10: _HALF}
"""TensorRT's number of an element type by ONNX's."""


@dataclass
class Tensor:
    name: str
    shape: list[int]
    type: int
    is_input: bool


@dataclass
class Plan:
    """`profiles` has for each the least, best and most shape by input."""

    tensors: list[Tensor]
    profiles: list[dict[str, list[list[int]]]]
    strongly_typed: bool
    workspace: int
    onnx: bytes

    def written(self, version: Sequence[int]) -> bytes:
        said = asdict(self)
        onnx = said.pop("onnx")
        text = json.dumps(said).encode()
        head = MAGIC + struct.pack("<I", 0) + bytes(16) + bytes(version)
        return head + struct.pack("<I", len(text)) + text + onnx

    @classmethod
    def read(cls, raw: bytes) -> Plan:
        """Raises ValueError for what is cut short."""
        (length,) = struct.unpack_from("<I", raw, _HEADER)
        start = _HEADER + 4
        said = json.loads(raw[start : start + length])
        tensors = [Tensor(**one) for one in said.pop("tensors")]
        return cls(tensors=tensors, onnx=raw[start + length :], **said)


def fault(raw: bytes, version: Sequence[int]) -> str | None:
    """Why the library would not take it, in its own words."""
    if raw[:4] != MAGIC:
        return "IRuntime::deserializeCudaEngine: Error Code 1: magicTag == kMAGIC_TAG"
    if tuple(raw[24:27]) != tuple(version[:3]):
        return "The engine plan file is not compatible with this version of TensorRT"
    return None
