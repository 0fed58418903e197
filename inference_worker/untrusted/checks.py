"""All that is asked of a stranger's model, in the child that may die of it.

Cheap questions first: what is refused by one is not shown to the next.
"""

from __future__ import annotations

import math
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, TensorProto, helper

from inference_worker.engine.visible import first_line
from inference_worker.untrusted.arithmetic import SMALL
from inference_worker.untrusted.contents import check_contents, check_head
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import Limits
from inference_worker.untrusted.structure import check_structure
from inference_worker.untrusted.summary import fill_outputs, summarise
from inference_worker.untrusted.tensors import DATA_FIELDS
from inference_worker.untrusted.volume import check_volume
from inference_worker.untrusted.wire import scan

_MOST_SHOWN = 200


def check(data: memoryview, limits: Limits) -> dict[str, Any]:
    """The facts of a model that may be taken (see summary). Raises ModelRefused."""
    scan(data, limits)
    model = _parse(data)
    check_head(model, limits)
    check_contents(model, limits)
    check_structure(model.graph)
    facts = summarise(model)
    stored = _lighten(model)
    inferred = _checked(model)
    check_volume(inferred, stored, limits)
    fill_outputs(facts, inferred)
    return facts


def _parse(data: memoryview) -> ModelProto:
    try:
        model: ModelProto = ModelProto.FromString(data)
    except DecodeError as error:
        text = "it is damaged, nested too deep or made of far too many parts"
        raise ModelRefused(Reason.MALFORMED, text) from error
    return model


def _lighten(model: ModelProto) -> dict[str, int]:
    """Makes inputs of the large tensors, whose numbers change no shape: the checker
    copies a model three times. Names and elements of all that was stored.

    Raises ModelRefused for fields that only other versions of ONNX know.
    """
    graph = model.graph
    stored = {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    small: list[TensorProto] = []
    large: list[TensorProto] = []
    for tensor in graph.initializer:
        (small if stored[tensor.name] <= SMALL else large).append(tensor)
    for tensor in large:
        for field in DATA_FIELDS:
            tensor.ClearField(field)
    _check_unknown(model)
    for tensor in large:
        graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    kept = [TensorProto.FromString(t.SerializeToString()) for t in small]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return stored


def _check_unknown(model: ModelProto) -> None:
    size = model.ByteSize()
    model.DiscardUnknownFields()
    if model.ByteSize() != size:
        text = "it holds fields that this version of ONNX does not know"
        raise ModelRefused(Reason.UNKNOWN_FIELDS, text)


def _checked(model: ModelProto) -> ModelProto:
    """The model with the shapes that follow, as ONNX's own checker sees it."""
    try:
        onnx.checker.check_model(model)
        inferred: ModelProto = onnx.shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=True
        )
    # Its bindings raise their own errors and whatever C++ threw.
    except (
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
        RuntimeError,
        ValueError,
        TypeError,
    ) as error:
        text = f"ONNX's checker refuses it: {first_line(error)[:_MOST_SHOWN]}"
        raise ModelRefused(Reason.CHECKER, text) from error
    return inferred
