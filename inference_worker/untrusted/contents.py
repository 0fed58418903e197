"""What a parsed model is made of, piece by piece: nothing but what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto
from onnx.defs import onnx_opset_version

from inference_worker.engine.visible import quoted
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.limits import Limits
from inference_worker.untrusted.operators import ALLOWED, DOMAINS
from inference_worker.untrusted.tensors import (
    check_tensor,
    check_type,
    count_elements,
    named,
)

OLDEST_IR, OLDEST_OPSET = 4, 11
# How Constant says text; no other operator has attributes of these names.
_TEXTS = ("value_string", "value_strings")
_PLAIN = frozenset(
    (
        AttributeProto.FLOAT,
        AttributeProto.FLOATS,
        AttributeProto.INT,
        AttributeProto.INTS,
        AttributeProto.STRING,
        AttributeProto.STRINGS,
        AttributeProto.TENSOR,
        AttributeProto.TENSORS,
    )
)


def opset(model: ModelProto) -> int:
    """The version of ONNX's own operators; 0 without one."""
    versions = [o.version for o in model.opset_import if o.domain in DOMAINS]
    return int(versions[0]) if len(versions) == 1 else 0


def check_head(model: ModelProto, limits: Limits) -> None:
    """Versions, metadata, and that nothing stands beside the graph."""
    newest_ir, newest = onnx.IR_VERSION, onnx_opset_version()
    if not OLDEST_IR <= model.ir_version <= newest_ir:
        text = f"IR version {model.ir_version}, {OLDEST_IR} to {newest_ir} are taken"
        raise ModelRefused(Reason.IR_VERSION, text)
    if not OLDEST_OPSET <= opset(model) <= newest:
        versions = [o.version for o in model.opset_import if o.domain in DOMAINS][:3]
        text = f"opset {versions}, one of {OLDEST_OPSET} to {newest} is taken"
        raise ModelRefused(
            Reason.OPSET_VERSION, text, f"Export it with opset {newest - 8}."
        )
    if model.functions:
        raise ModelRefused(
            Reason.LOCAL_FUNCTIONS, "it defines operators of its own (functions)"
        )
    if model.training_info:
        raise ModelRefused(Reason.TRAINING_INFO, "it holds training steps")
    _check_metadata(model, limits)


def check_contents(model: ModelProto, limits: Limits) -> None:
    """Every node, attribute, tensor and declared value."""
    graph = model.graph
    for index, node in enumerate(graph.node):
        _check_node(node, f"node {index:,} ({quoted(node.op_type)})", limits)
    if graph.sparse_initializer:
        raise ModelRefused(Reason.SPARSE_TENSOR, "it stores a sparse tensor")
    for tensor in graph.initializer:
        _check_names((tensor.name,), limits)
        _check_tensor(tensor, named("tensor", tensor.name), limits)
    _check_values(graph.input, "input", limits)
    _check_values(graph.output, "output", limits)
    for value in graph.value_info:
        _check_value(value, "value", limits)
    for note in graph.quantization_annotation:
        _check_names((note.tensor_name,), limits)
        _check_notes("the graph", _words(note.quant_parameter_tensor_names), limits)


def _check_metadata(model: ModelProto, limits: Limits) -> None:
    pairs = [(prop.key, prop.value) for prop in model.metadata_props]
    size = sum(_length(text) for pair in pairs for text in pair)
    if size > limits.metadata_bytes:
        text = f"its metadata has {size:,} bytes, {limits.metadata_bytes:,} are taken"
        raise ModelRefused(Reason.METADATA_TOO_LARGE, text)
    if len(dict(pairs)) != len(pairs):
        raise ModelRefused(Reason.DUPLICATE_NAME, "its metadata says a key twice")
    notes = (model.doc_string, model.domain, model.graph.doc_string)
    _check_notes("the model", notes, limits)
    _check_notes("the graph", _words(model.graph.metadata_props), limits)
    producer = (model.producer_name, model.producer_version, model.graph.name)
    _check_names(producer, limits)
    if len(model.opset_import) > limits.values:
        raise ModelRefused(Reason.TOO_MANY_VALUES, "it imports too many opsets")
    _check_names((o.domain for o in model.opset_import), limits)


def _check_node(node: NodeProto, where: str, limits: Limits) -> None:
    if node.domain not in DOMAINS:
        text = f"{where} is of {quoted(node.domain)}, not of ONNX"
        raise ModelRefused(Reason.FOREIGN_DOMAIN, text)
    if node.op_type not in ALLOWED or node.overload:
        text = f"{where} is no operator that a detector needs"
        raise ModelRefused(Reason.OPERATOR_NOT_ALLOWED, text)
    _check_names((node.name, *node.input, *node.output), limits)
    _check_notes(where, (node.doc_string, *_words(node.metadata_props)), limits)
    for attribute in node.attribute:
        _check_attribute(attribute, where, limits)


def _check_attribute(attribute: AttributeProto, where: str, limits: Limits) -> None:
    if attribute.HasField("g") or attribute.graphs:
        raise ModelRefused(Reason.SUBGRAPH, f"{where} holds a graph of its own")
    if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
        raise ModelRefused(Reason.SPARSE_TENSOR, f"{where} stores a sparse tensor")
    if attribute.type not in _PLAIN or attribute.ref_attr_name:
        text = f"{where} has an attribute of type {attribute.type}"
        raise ModelRefused(Reason.ATTRIBUTE_TYPE, text)
    if attribute.name in _TEXTS:
        raise ModelRefused(Reason.STRING_TENSOR, f"{where} is of text")
    _check_names((attribute.name,), limits)
    notes = (attribute.doc_string, attribute.s, *attribute.strings)
    _check_notes(where, notes, limits)
    if attribute.HasField("t"):
        _check_tensor(attribute.t, f"the tensor of {where}", limits)
    for tensor in attribute.tensors:
        _check_tensor(tensor, f"a tensor of {where}", limits)


def _check_tensor(tensor: TensorProto, where: str, limits: Limits) -> None:
    check_tensor(tensor, where, limits)
    _check_notes(where, (tensor.doc_string, *_words(tensor.metadata_props)), limits)


def _check_values(values: Any, kind: str, limits: Limits) -> None:
    if not values:
        reason = Reason.NO_INPUTS if kind == "input" else Reason.NO_OUTPUTS
        raise ModelRefused(reason, f"it has no {kind}")
    for value in values:
        _check_value(value, kind, limits)


def _check_value(value: ValueInfoProto, kind: str, limits: Limits) -> None:
    where = named(kind, value.name)
    _check_names((value.name,), limits)
    if value.type.WhichOneof("value") != "tensor_type":
        raise ModelRefused(Reason.ELEMENT_TYPE, f"{where} is not a tensor")
    tensor = value.type.tensor_type
    check_type(tensor.elem_type, where)
    _check_names((dim.dim_param for dim in tensor.shape.dim), limits)
    notes = (value.doc_string, value.type.denotation, *_words(value.metadata_props))
    _check_notes(where, notes, limits)
    _check_notes(where, (dim.denotation for dim in tensor.shape.dim), limits)
    known = [
        1 if not d.HasField("dim_value") else d.dim_value for d in tensor.shape.dim
    ]
    count_elements(known, where, limits)


def _check_names(names: Iterable[str], limits: Limits) -> None:
    for name in names:
        if _length(name) > limits.name_bytes:
            text = f"a name of more than {limits.name_bytes:,} bytes: {quoted(name)}"
            raise ModelRefused(Reason.NAME_TOO_LONG, text)


def _check_notes(where: str, notes: Iterable[str | bytes], limits: Limits) -> None:
    if any(len(note) > limits.note_bytes for note in notes):
        text = f"{where} carries a text of more than {limits.note_bytes:,} bytes"
        raise ModelRefused(Reason.METADATA_TOO_LARGE, text)


def _length(text: str | bytes) -> int:
    """In bytes. Protobuf gives bytes where it should give text but cannot."""
    if isinstance(text, bytes):
        raise ModelRefused(
            Reason.MALFORMED, f"a name in it is not text: {quoted(text)}"
        )
    return len(text.encode())


def _words(props: Any) -> list[str]:
    return [word for prop in props for word in (prop.key, prop.value)]
