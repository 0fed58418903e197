"""What a foreign graph takes and gives, as its file declares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx

from inference_worker.importing.errors import ImportRefused

Shape = tuple[int | None, ...]
FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
SIZES = "orig_target_sizes"
"""The second input of RT-DETR's and D-FINE's own exports: the photo's size."""


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output: `shape` has None where the size is free."""

    name: str
    element_type: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class Signature:
    """`images` is the input that takes pictures, `inputs` are all of them."""

    images: Value
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]
    metadata: Mapping[str, str]
    producer: str
    opset: int

    @property
    def canvas(self) -> tuple[int | None, int | None]:
        """Height and width of the pictures, None where free."""
        return self.images.shape[2], self.images.shape[3]

    @property
    def batch(self) -> int | None:
        return self.images.shape[0]


def read_signature(model: onnx.ModelProto) -> Signature:
    """Raises ImportRefused when no input takes colour pictures one at a time."""
    graph = model.graph
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [_value(one) for one in graph.input if one.name not in stored]
    found = Signature(
        images=_images(inputs),
        inputs={one.name: one for one in inputs},
        outputs={one.name: one for one in map(_value, graph.output)},
        metadata={one.key: one.value for one in model.metadata_props},
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        opset=max(
            (one.version for one in model.opset_import if not one.domain), default=0
        ),
    )
    _check(found)
    return found


def _images(inputs: list[Value]) -> Value:
    pictures = [one for one in inputs if one.name != SIZES and len(one.shape) == 4]
    others = [one for one in inputs if one.name != SIZES and len(one.shape) != 4]
    if len(pictures) != 1 or others:
        names = ", ".join(f"{one.name} {_text(one.shape)}" for one in inputs)
        raise ImportRefused(
            "a detector takes one batch of pictures, this network takes"
            f" {names or 'nothing'}"
        )
    return pictures[0]


def _check(found: Signature) -> None:
    images = found.images
    channels = images.shape[1]
    if channels not in (3, None):
        raise ImportRefused(
            f"the network takes pictures of {channels} planes, {_text(images.shape)};"
            " only those of red, green and blue can be imported"
        )
    if images.element_type not in (FLOAT, HALF):
        kind = onnx.TensorProto.DataType.Name(images.element_type)
        raise ImportRefused(
            f"the input {images.name} is {kind}; float32 or float16 can be imported",
            "Export it again without building the preprocessing in.",
        )
    if found.batch not in (1, None):
        raise ImportRefused(
            f"the network takes exactly {found.batch} pictures a call",
            "Export it again with a batch of 1, or with a dynamic one.",
        )


def _value(info: Any) -> Value:
    kind = info.type.tensor_type
    shape = tuple(
        int(one.dim_value) if one.HasField("dim_value") and one.dim_value > 0 else None
        for one in kind.shape.dim
    )
    return Value(info.name, kind.elem_type, shape)


def _text(shape: Shape) -> str:
    return "x".join("?" if side is None else str(side) for side in shape)
