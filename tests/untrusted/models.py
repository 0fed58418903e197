"""Small ONNX models, good ones and the parts to spoil them with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from inference_worker.untrusted.errors import Reason

OPSET, IR = 17, 8

Shape = Sequence[int | str | None]
Files = dict[str, tuple[Reason, Callable[[], bytes]]]
"""Contents by name, each with the reason that it must be refused for."""


def value(name: str, shape: Shape | None, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def stored(name: str, numbers: Any, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(numbers, dtype), name)


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:
    """Names are parted by spaces."""
    return helper.make_node(kind, inputs.split(), outputs.split(), **attributes)


def graph(
    *nodes: NodeProto,
    tensors: Sequence[TensorProto] = (),
    inputs: Sequence[Any] | None = None,
    outputs: Sequence[Any] | None = None,
) -> GraphProto:
    """`images` (1, 3, 32, 32) to `preds` of four dimensions unless told otherwise."""
    if inputs is None:
        inputs = [value("images", [1, 3, 32, 32])]
    if outputs is None:
        outputs = [value("preds", [None] * 4)]
    return helper.make_graph(nodes, "net", inputs, outputs, list(tensors))


def model(content: GraphProto, **fields: Any) -> ModelProto:
    fields = {"opset_imports": [helper.make_opsetid("", OPSET)], **fields}
    made = helper.make_model(content, **fields)
    made.ir_version = IR
    return made


def of(*nodes: NodeProto, **parts: Any) -> bytes:
    """The file of a model of these nodes."""
    return model(graph(*nodes, **parts)).SerializeToString()


def good() -> ModelProto:
    """A convolution and its activation."""
    weights = np.random.default_rng(0).normal(size=(8, 3, 3, 3))
    return model(
        graph(
            node("Conv", "images weights", "hidden", pads=[1, 1, 1, 1]),
            node("Relu", "hidden", "preds"),
            tensors=[stored("weights", weights)],
        )
    )


GOOD = good().SerializeToString()


def spoilt(**fields: Any) -> bytes:
    """The good model with other fields."""
    made = good()
    for name, content in fields.items():
        setattr(made, name, content)
    return made.SerializeToString()


def with_tensor(tensor: TensorProto) -> bytes:
    """The good model, its weights replaced."""
    made = good()
    tensor.name = "weights"
    made.graph.initializer[0].CopyFrom(tensor)
    return made.SerializeToString()


def declared(
    dims: Sequence[int], raw: bytes | None = b"", **fields: Any
) -> TensorProto:
    """A tensor that says what it likes of itself."""
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=dims, **fields)
    if raw is not None:
        tensor.raw_data = raw
    return tensor


def external(location: str) -> TensorProto:
    entry = onnx.StringStringEntryProto(key="location", value=location)
    return declared(
        (8, 3, 3, 3),
        None,
        external_data=[entry],
        data_location=TensorProto.EXTERNAL,
    )


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field, as a hand would write it."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
