"""A stored tensor: all of it in the file, of numbers, of the size that it declares."""

from __future__ import annotations

import math
from collections.abc import Iterable

from onnx import TensorProto, helper

from inference_worker.engine.visible import quoted
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import Limits

# Where each type keeps its numbers when not in raw_data, and its bytes there.
_KEPT: dict[int, tuple[str, int]] = {
    TensorProto.FLOAT: ("float_data", 4),
    TensorProto.DOUBLE: ("double_data", 8),
    TensorProto.INT64: ("int64_data", 8),
    TensorProto.UINT64: ("uint64_data", 8),
    TensorProto.UINT32: ("uint64_data", 4),
    TensorProto.INT32: ("int32_data", 4),
    TensorProto.INT16: ("int32_data", 2),
    TensorProto.UINT16: ("int32_data", 2),
    TensorProto.INT8: ("int32_data", 1),
    TensorProto.UINT8: ("int32_data", 1),
    TensorProto.BOOL: ("int32_data", 1),
    TensorProto.FLOAT16: ("int32_data", 2),
    TensorProto.BFLOAT16: ("int32_data", 2),
}
_NUMBERS = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")
DATA_FIELDS = ("raw_data", *_NUMBERS)


def check_tensor(tensor: TensorProto, where: str, limits: Limits) -> int:
    """The number of its elements. Raises ModelRefused."""
    if tensor.external_data or tensor.data_location != TensorProto.DEFAULT:
        raise ModelRefused(
            Reason.EXTERNAL_DATA,
            f"{where} keeps its numbers in another file",
            "Save the model as one file.",
        )
    if tensor.data_type == TensorProto.STRING or tensor.string_data:
        raise ModelRefused(Reason.STRING_TENSOR, f"{where} is of text")
    check_type(tensor.data_type, where)
    elements = count_elements(tensor.dims, where, limits)
    _check_data(tensor, elements, where)
    return elements


def check_type(data_type: int, where: str) -> None:
    if data_type == TensorProto.STRING:
        raise ModelRefused(Reason.STRING_TENSOR, f"{where} is of text")
    if data_type not in _KEPT:
        text = f"{where} is of element type {data_type}"
        raise ModelRefused(Reason.ELEMENT_TYPE, text)


def type_name(data_type: int) -> str:
    """As numpy calls it; bfloat16, which numpy lacks, by its name."""
    if data_type == TensorProto.BFLOAT16:
        return "bfloat16"
    return str(helper.tensor_dtype_to_np_dtype(data_type))


def element_bytes(data_type: int) -> int:
    return _KEPT[data_type][1]


def count_elements(dims: Iterable[int], where: str, limits: Limits) -> int:
    """Their product, in whole numbers that do not overflow."""
    sizes = list(dims)
    if len(sizes) > limits.rank:
        text = f"{where} has {len(sizes)} dimensions, {limits.rank} are taken"
        raise ModelRefused(Reason.DIMENSION, text)
    for size in sizes:
        if not 0 <= size <= limits.dimension:
            text = f"{where} has a dimension of {size:,}"
            raise ModelRefused(Reason.DIMENSION, text)
    elements = math.prod(sizes)
    if elements > limits.elements:
        text = f"{where} declares {elements:,} elements, {limits.elements:,} are taken"
        raise ModelRefused(Reason.TENSOR_TOO_LARGE, text)
    return elements


def named(kind: str, name: str) -> str:
    return f"{kind} {quoted(name)}"


def _check_data(tensor: TensorProto, elements: int, where: str) -> None:
    """In one field only, and neither short nor long."""
    field, size = _KEPT[tensor.data_type]
    filled = {name: len(getattr(tensor, name)) for name in _NUMBERS}
    filled = {name: count for name, count in filled.items() if count}
    if tensor.HasField("raw_data"):
        length = len(tensor.raw_data)  # a copy of it each time
        good = not filled and length == elements * size
        held = f"{length:,} bytes"
    else:
        good = filled == ({field: elements} if elements else {})
        held = f"{sum(filled.values()):,} numbers"
    if tensor.HasField("segment") or not good:
        text = f"{where} declares {elements:,} elements of {size} bytes, holds {held}"
        raise ModelRefused(Reason.TENSOR_DATA, text)
