"""What is known of the shapes of a stranger's values."""

from __future__ import annotations

import math

from onnx import ModelProto, TypeProto, helper

from inference_worker.untrusted.arithmetic import sizes_of
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.tensors import check_type

BATCH, SIDE = 1, 640


def nominal(model: ModelProto) -> dict[str, TypeProto]:
    """The types of the inputs, their free dimensions taken as BATCH (the first) and
    SIDE.
    """
    sizes: dict[str, int] = {}
    types = {}
    for value in model.graph.input:
        tensor = value.type.tensor_type
        if not tensor.HasField("shape"):
            types[value.name] = value.type
            continue
        shape = []
        for axis, dim in enumerate(tensor.shape.dim):
            size = SIDE if axis else BATCH
            if dim.HasField("dim_value"):
                size = dim.dim_value
            elif dim.dim_param:
                size = sizes.setdefault(dim.dim_param, size)
            shape.append(size)
        types[value.name] = helper.make_tensor_type_proto(tensor.elem_type, shape)
    return types


def elements_of(found: TypeProto | None, where: str = "") -> int | None:
    """None unless every dimension is known."""
    if found is None or found.WhichOneof("value") is None:
        return None
    if found.WhichOneof("value") != "tensor_type":
        raise ModelRefused(Reason.ELEMENT_TYPE, f"{where} gives no tensor")
    if found.tensor_type.elem_type:
        check_type(found.tensor_type.elem_type, f"what {where} gives")
    sizes = sizes_of(found)
    if sizes is None or any(size is None or size < 0 for size in sizes):
        return None
    return math.prod(size or 0 for size in sizes)
