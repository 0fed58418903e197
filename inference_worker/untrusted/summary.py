"""The facts of a model, as the child writes them and `answers` reads them.

inputs, outputs   [{name, dtype, shape: [size, symbol or null]}]
opsets            {domain: version}
metadata          {key: text}
doc_string        text
operators         {operator: nodes}
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from onnx import ModelProto, TensorProto, ValueInfoProto

from inference_worker.untrusted.tensors import element_bytes, type_name


def summarise(model: ModelProto) -> dict[str, Any]:
    graph = model.graph
    return {
        "ir_version": model.ir_version,
        "opsets": {o.domain: o.version for o in model.opset_import},
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "inputs": [_value(value) for value in graph.input],
        "outputs": [_value(value) for value in graph.output],
        "metadata": {prop.key: prop.value for prop in model.metadata_props},
        "doc_string": _text(model.doc_string),
        "operators": dict(Counter(node.op_type for node in graph.node)),
        "initialisers": len(graph.initializer),
        "parameters": sum(math.prod(t.dims) for t in graph.initializer),
        "initialiser_bytes": sum(_bytes(t) for t in graph.initializer),
    }


def fill_outputs(facts: dict[str, Any], inferred: ModelProto) -> None:
    """The sizes that the outputs leave open and inference could tell. Symbols that
    inference made up stay out.
    """
    for told, value in zip(facts["outputs"], inferred.graph.output, strict=True):
        found = _value(value)["shape"]
        told["shape"] = [
            other if size is None and isinstance(other, int) else size
            for size, other in zip(told["shape"], found, strict=True)
        ]


def _value(value: ValueInfoProto) -> dict[str, Any]:
    tensor = value.type.tensor_type
    shape = [
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
        for dim in tensor.shape.dim
    ]
    return {"name": value.name, "dtype": type_name(tensor.elem_type), "shape": shape}


def _text(told: str | bytes) -> str:
    """Protobuf gives bytes where it should give text but cannot."""
    return told if isinstance(told, str) else told.decode(errors="replace")


def _bytes(tensor: TensorProto) -> int:
    elements: int = math.prod(tensor.dims)
    return elements * element_bytes(tensor.data_type)
