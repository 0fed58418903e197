"""Files that ask for what no detector needs: loops, other files, texts."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, TypeProto, helper

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import (
    Files,
    declared,
    external,
    good,
    graph,
    model,
    node,
    of,
    stored,
    value,
    with_tensor,
)

_FLOATS = helper.make_tensor_type_proto(TensorProto.FLOAT, [1])


def _body(depth: int = 0) -> onnx.GraphProto:
    """The body of a loop, with loops inside it down to `depth`."""
    inputs = [
        value("i", [], TensorProto.INT64),
        value("go", [], TensorProto.BOOL),
        value("x", None),
    ]
    outputs = [value("again", [], TensorProto.BOOL), value("y", None)]
    inner = node("Mul", "x x", "y")
    if depth:
        inner = node("Loop", "i go x", "y", body=_body(depth - 1))
    return graph(node("Identity", "go", "again"), inner, inputs=inputs, outputs=outputs)


def _loop(depth: int = 0) -> bytes:
    tensors = [stored("count", 2**60, np.int64), stored("go", True, bool)]
    loop = node("Loop", "count go images", "preds", body=_body(depth))
    return of(loop, tensors=tensors)


def _if() -> bytes:
    branch = graph(
        node("Identity", "images", "y"), inputs=[], outputs=[value("y", None)]
    )
    condition = node("If", "yes", "preds", then_branch=branch, else_branch=branch)
    return of(condition, tensors=[stored("yes", True, bool)])


def _scan() -> bytes:
    body = graph(
        node("Relu", "x", "y"), inputs=[value("x", None)], outputs=[value("y", None)]
    )
    return of(node("Scan", "images", "preds", body=body, num_scan_inputs=1))


def _subgraph_in_relu() -> bytes:
    relu = node("Relu", "images", "preds")
    relu.attribute.append(helper.make_attribute("hidden", _body()))
    return of(relu)


def _constant(tensor: TensorProto) -> bytes:
    constant = helper.make_node("Constant", [], ["weights"], value=tensor)
    return of(constant, node("Conv", "images weights", "preds"))


def _sparse(location: str | None) -> onnx.SparseTensorProto:
    values = external(location) if location else stored("weights", [1.0])
    values.name = "weights"
    indices = stored("indices", [3], np.int64)
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[8, 3, 3, 3])


def _sparse_initialiser(location: str | None) -> bytes:
    made = good()
    del made.graph.initializer[:]
    made.graph.sparse_initializer.append(_sparse(location))
    return made.SerializeToString()


def _functions(recursive: bool) -> bytes:
    inner = "Mine" if recursive else "Relu"
    body = helper.make_node(inner, ["x"], ["y"], domain="mine" if recursive else "")
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    function = helper.make_function("mine", "Mine", ["x"], ["y"], [body], imports)
    call = helper.make_node("Mine", ["images"], ["preds"], domain="mine")
    made = model(graph(call), opset_imports=imports, functions=[function])
    return made.SerializeToString()


def _foreign() -> bytes:
    call = helper.make_node("Conv", ["images"], ["preds"], domain="com.microsoft")
    return of(call)


def _training() -> bytes:
    made = good()
    made.training_info.add().algorithm.CopyFrom(_body())
    return made.SerializeToString()


def _reference_attribute() -> bytes:
    relu = node("LeakyRelu", "images", "preds")
    relu.attribute.append(
        AttributeProto(name="alpha", type=AttributeProto.FLOAT, ref_attr_name="a")
    )
    return of(relu)


def _beside(kind: TypeProto) -> bytes:
    """A good model with one more input, of that type."""
    made = good()
    made.graph.input.append(onnx.ValueInfoProto(name="more", type=kind))
    return made.SerializeToString()


FILES: Files = {
    "loop-bomb": (Reason.OPERATOR_NOT_ALLOWED, _loop),
    "loops-in-loops": (Reason.OPERATOR_NOT_ALLOWED, lambda: _loop(25)),
    "if": (Reason.OPERATOR_NOT_ALLOWED, _if),
    "scan": (Reason.OPERATOR_NOT_ALLOWED, _scan),
    "unknown-operator": (
        Reason.OPERATOR_NOT_ALLOWED,
        lambda: of(node("RunShell", "images", "preds")),
    ),
    "random-numbers": (
        Reason.OPERATOR_NOT_ALLOWED,
        lambda: of(node("RandomNormalLike", "images", "preds")),
    ),
    "custom-domain": (Reason.FOREIGN_DOMAIN, _foreign),
    "function": (Reason.LOCAL_FUNCTIONS, lambda: _functions(False)),
    "function-recursive": (Reason.LOCAL_FUNCTIONS, lambda: _functions(True)),
    "training": (Reason.TRAINING_INFO, _training),
    "subgraph-in-relu": (Reason.SUBGRAPH, _subgraph_in_relu),
    "reference-attribute": (Reason.ATTRIBUTE_TYPE, _reference_attribute),
    "external-above": (
        Reason.EXTERNAL_DATA,
        lambda: with_tensor(external("../../../../etc/passwd")),
    ),
    "external-absolute": (
        Reason.EXTERNAL_DATA,
        lambda: with_tensor(external("/dev/zero")),
    ),
    "external-in-constant": (
        Reason.EXTERNAL_DATA,
        lambda: _constant(external("../weights.bin")),
    ),
    "external-only-said": (
        Reason.EXTERNAL_DATA,
        lambda: with_tensor(declared((1,), b"1234", data_location=1)),
    ),
    "sparse": (Reason.SPARSE_TENSOR, lambda: _sparse_initialiser(None)),
    "sparse-external": (
        Reason.SPARSE_TENSOR,
        lambda: _sparse_initialiser("/etc/shadow"),
    ),
    "string-tensor": (
        Reason.STRING_TENSOR,
        lambda: with_tensor(helper.make_tensor("w", TensorProto.STRING, [1], [b"a"])),
    ),
    "string-input": (
        Reason.STRING_TENSOR,
        lambda: of(
            node("Identity", "images", "preds"),
            inputs=[value("images", [1], TensorProto.STRING)],
        ),
    ),
    "string-constant": (
        Reason.STRING_TENSOR,
        lambda: of(
            helper.make_node("Constant", [], ["text"], value_strings=["a" * 9]),
            node("Relu", "images", "preds"),
        ),
    ),
    "cast-to-string": (
        Reason.STRING_TENSOR,
        lambda: of(
            node("Cast", "images", "text", to=TensorProto.STRING),
            node("Cast", "text", "preds", to=TensorProto.FLOAT),
        ),
    ),
    "complex-tensor": (
        Reason.ELEMENT_TYPE,
        lambda: with_tensor(TensorProto(data_type=TensorProto.COMPLEX64, dims=[1])),
    ),
    "element-type-9999": (
        Reason.ELEMENT_TYPE,
        lambda: with_tensor(TensorProto(data_type=9999, dims=[1])),
    ),
    "sequence": (
        Reason.OPERATOR_NOT_ALLOWED,
        lambda: of(
            node("SequenceConstruct", "images images", "both"),
            node("ConcatFromSequence", "both", "preds", axis=0),
        ),
    ),
    "sequence-input": (
        Reason.ELEMENT_TYPE,
        lambda: _beside(helper.make_sequence_type_proto(_FLOATS)),
    ),
    "optional-input": (
        Reason.ELEMENT_TYPE,
        lambda: _beside(helper.make_optional_type_proto(_FLOATS)),
    ),
    "map-input": (
        Reason.ELEMENT_TYPE,
        lambda: _beside(helper.make_map_type_proto(TensorProto.INT64, _FLOATS)),
    ),
    "sparse-input": (
        Reason.ELEMENT_TYPE,
        lambda: _beside(helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [1])),
    ),
    "input-without-type": (Reason.ELEMENT_TYPE, lambda: _beside(TypeProto())),
}
