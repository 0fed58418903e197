"""Files that must be refused, each with the rule that it breaks."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from collections.abc import Callable

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, TensorProto, helper

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import (
    declared,
    external,
    field,
    good,
    graph,
    model,
    node,
    of,
    spoilt,
    stored,
    value,
    varint,
    with_tensor,
)

MANY = 100_000
GOOD = good().SerializeToString()


def _pytorch() -> bytes:
    """What torch.save writes: a zip with a pickle in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weights": [1.0] * 100}))
    return out.getvalue()


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


def _nested(levels: int) -> bytes:
    """Graph in node in graph ..., written from the inside: no library builds it."""
    inner = b""
    for _ in range(levels):
        attribute = field(1, b"body") + field(6, inner) + varint(20 << 3) + varint(5)
        inner = field(1, field(4, b"Loop") + field(5, attribute))
    return b"\x08\x08" + field(7, inner) + field(8, b"\x10\x11")


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


def _imports(*versions: int) -> bytes:
    made = good()
    del made.opset_import[:]
    made.opset_import.extend(helper.make_opsetid("", version) for version in versions)
    return made.SerializeToString()


def _foreign() -> bytes:
    call = helper.make_node("Conv", ["images"], ["preds"], domain="com.microsoft")
    return of(call)


def _chain(count: int) -> bytes:
    names = ["images", *(f"v{n}" for n in range(1, count)), "preds"]
    return of(*(node("Relu", a, b) for a, b in zip(names[:-1], names[1:], strict=True)))


def _cycle() -> bytes:
    return of(
        node("Add", "images b", "a"), node("Relu", "a", "b"), node("Relu", "b", "preds")
    )


def _shadowing() -> bytes:
    made = good()
    made.graph.input.append(value("weights", [8, 3, 3, 3]))
    return made.SerializeToString()


def _noted(key: str, text: str, times: int = 1) -> bytes:
    made = good()
    for n in range(times):
        made.metadata_props.add(key=f"{key}{n}", value=text)
    return made.SerializeToString()


def _without(field_name: str) -> bytes:
    made = good()
    made.graph.ClearField(field_name)
    return made.SerializeToString()


def _shaped(*shape: int) -> bytes:
    return of(node("Relu", "images", "preds"), inputs=[value("images", shape)])


def _fill(*sizes: int) -> bytes:
    """ConstantOfShape of these sizes, added to the input."""
    return of(
        node("ConstantOfShape", "sizes", "ones"),
        node("ReduceSum", "ones", "sum", keepdims=0),
        node("Add", "images sum", "preds"),
        tensors=[stored("sizes", sizes, np.int64)],
    )


def _fill_many() -> bytes:
    """Each passes, all together do not."""
    sizes = stored("sizes", [2**22], np.int64)
    nodes = [node("ConstantOfShape", "sizes", f"ones{n}") for n in range(20)]
    return of(*nodes, node("Relu", "images", "preds"), tensors=[sizes])


def _fill_by_arithmetic() -> bytes:
    """The size is computed by steps that ONNX's own inference does not follow."""
    return of(
        node("Pow", "two thirty", "count"),
        node("Where", "yes count two", "chosen"),
        node("ConstantOfShape", "chosen", "ones"),
        node("ReduceSum", "ones", "sum", keepdims=0),
        node("Add", "images sum", "preds"),
        tensors=[
            stored("two", [2], np.int64),
            stored("thirty", [40], np.int64),
            stored("yes", [True], bool),
        ],
    )


def _fill_unknown() -> bytes:
    """The size hides in numbers that are too many to be followed."""
    return of(
        node("ReduceMax", "numbers", "count", keepdims=1),
        node("ConstantOfShape", "count", "ones"),
        node("ReduceSum", "ones", "sum", keepdims=0),
        node("Add", "images sum", "preds"),
        tensors=[stored("numbers", [2**40] * 5_000, np.int64)],
    )


def _expand(source: str) -> bytes:
    return of(
        node("Expand", f"{source} sizes", "large"),
        node("ReduceMean", "large", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[
            stored("one", [1.0]),
            stored("sizes", [2**20, 2**15, 1, 1], np.int64),
        ],
        inputs=[value("images", [1, 1, 1, 1])],
    )


def _tile() -> bytes:
    return of(
        node("Tile", "one times", "large"),
        node("ReduceMean", "large", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[stored("one", [1.0]), stored("times", [2**40], np.int64)],
    )


def _resize(*shape: int | str) -> bytes:
    return of(
        helper.make_node("Resize", ["images", "", "scales"], ["preds"]),
        tensors=[stored("scales", [1, 1, 3e4, 3e4])],
        inputs=[value("images", shape)],
    )


def _range() -> bytes:
    return of(
        node("Range", "start end step", "numbers"),
        node("ReduceMean", "numbers", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[stored("start", 0.0), stored("end", 1e12), stored("step", 1.0)],
    )


def _pad() -> bytes:
    return of(
        node("Pad", "images pads", "preds"),
        tensors=[stored("pads", [0, 0, 2**20, 2**20] * 2, np.int64)],
    )


def _training() -> bytes:
    made = good()
    made.training_info.add().algorithm.CopyFrom(_body())
    return made.SerializeToString()


def _wrong_types() -> bytes:
    """A convolution of whole numbers."""
    return of(
        node("Conv", "images weights", "preds"),
        tensors=[stored("weights", np.zeros((8, 3, 3, 3)), np.int64)],
    )


def _reference_attribute() -> bytes:
    relu = node("LeakyRelu", "images", "preds")
    relu.attribute.append(
        AttributeProto(name="alpha", type=AttributeProto.FLOAT, ref_attr_name="a")
    )
    return of(relu)


def _second_graph() -> bytes:
    return GOOD + field(ModelProto.GRAPH_FIELD_NUMBER, b"")


def _many_tensors() -> bytes:
    tensors = [declared([1], b"\0\0\0\0", name=f"t{n}") for n in range(MANY)]
    return of(node("Relu", "images", "preds"), tensors=tensors)


def _many_inputs() -> bytes:
    inputs = [value("images", [1]), *(value(f"i{n}", [1]) for n in range(1_000))]
    return of(node("Relu", "images", "preds"), inputs=inputs)


FILES: dict[str, tuple[Reason, Callable[[], bytes]]] = {
    "truncated": (Reason.MALFORMED, lambda: GOOD[: len(GOOD) // 2]),
    "truncated-by-one": (Reason.MALFORMED, lambda: GOOD[:-1]),
    "random": (Reason.MALFORMED, lambda: np.random.default_rng(2).bytes(10_000)),
    "text": (Reason.MALFORMED, lambda: b"This is not a model.\n" * 9),
    "zeros": (Reason.MALFORMED, lambda: bytes(1_000_000)),
    "gzip": (Reason.MALFORMED, lambda: gzip.compress(GOOD)),
    "pickle": (Reason.MALFORMED, lambda: pickle.dumps({"weights": [1.0] * 100})),
    "pytorch": (Reason.MALFORMED, _pytorch),
    "wrong-wire-type": (Reason.MALFORMED, lambda: b"\x08\x08" + b"\x38\x01"),
    "no-graph": (Reason.MALFORMED, lambda: b"\x08\x08"),
    "second-graph": (Reason.MALFORMED, _second_graph),
    "name-is-not-text": (
        Reason.MALFORMED,
        lambda: GOOD.replace(b"hidden", b"\xff\xfe\xfdden"),
    ),
    "trailing-data": (Reason.UNKNOWN_FIELDS, lambda: GOOD + field(200, b"x" * 99)),
    "unknown-field-inside": (
        Reason.UNKNOWN_FIELDS,
        lambda: GOOD + field(14, field(77, b"x")),
    ),
    "nested-2,000": (Reason.MALFORMED, lambda: _nested(2_000)),
    "nested-20": (Reason.OPERATOR_NOT_ALLOWED, lambda: _nested(20)),
    "ir-9999": (Reason.IR_VERSION, lambda: spoilt(ir_version=9999)),
    "ir-0": (Reason.IR_VERSION, lambda: spoilt(ir_version=0)),
    "opset-5": (Reason.OPSET_VERSION, lambda: _imports(5)),
    "opset-9999": (Reason.OPSET_VERSION, lambda: _imports(9999)),
    "opset-negative": (Reason.OPSET_VERSION, lambda: _imports(-(2**63))),
    "opset-twice": (Reason.OPSET_VERSION, lambda: _imports(17, 11)),
    "opset-none": (Reason.OPSET_VERSION, _imports),
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
    "two-gigabytes-declared": (
        Reason.TENSOR_TOO_LARGE,
        lambda: with_tensor(declared([2**14, 2**15])),
    ),
    "one-gigabyte-declared": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([2**14, 2**14])),
    ),
    "raw-data-short": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([8, 3, 3, 3], bytes(863))),
    ),
    "raw-data-long": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([8, 3, 3, 3], bytes(865))),
    ),
    "data-in-two-fields": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([1], bytes(4), float_data=[1.0])),
    ),
    "data-in-wrong-field": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([1], None, int64_data=[1])),
    ),
    "data-missing": (Reason.TENSOR_DATA, lambda: with_tensor(declared([1], None))),
    "dimension-negative": (
        Reason.DIMENSION,
        lambda: with_tensor(declared([-1, -4], bytes(16))),
    ),
    "dimensions-overflow": (
        Reason.DIMENSION,
        lambda: with_tensor(declared([2**62, 4, 4], bytes(16))),
    ),
    "product-overflows": (
        Reason.TENSOR_TOO_LARGE,
        lambda: with_tensor(declared([2**16] * 4)),
    ),
    "dimensions-1,000": (Reason.DIMENSION, lambda: with_tensor(declared([1] * 1_000))),
    "input-negative": (Reason.DIMENSION, lambda: _shaped(-1, 3, 32, 32)),
    "input-endless": (Reason.DIMENSION, lambda: _shaped(1, 3, 2**62, 2**62)),
    "input-huge": (Reason.TENSOR_TOO_LARGE, lambda: _shaped(1, 3, 2**20, 2**20)),
    "nodes-100,000": (Reason.TOO_MANY_NODES, lambda: _chain(MANY)),
    "nodes-empty-5,000,000": (
        Reason.TOO_MANY_NODES,
        lambda: field(7, b"\x0a\x00" * 5_000_000),
    ),
    "tensors-100,000": (Reason.TOO_MANY_TENSORS, _many_tensors),
    "inputs-1,000": (Reason.TOO_MANY_VALUES, _many_inputs),
    "edges-1,000,000": (
        Reason.TOO_MANY_VALUES,
        lambda: of(helper.make_node("Sum", ["images"] * 1_000_000, ["preds"])),
    ),
    "metadata-huge": (Reason.METADATA_TOO_LARGE, lambda: _noted("k", "x" * 2**21)),
    "metadata-100,000": (
        Reason.METADATA_TOO_LARGE,
        lambda: _noted("k", "x", times=MANY),
    ),
    "note-huge": (Reason.METADATA_TOO_LARGE, lambda: spoilt(doc_string="x" * 2**20)),
    "name-long": (
        Reason.NAME_TOO_LONG,
        lambda: of(node("Relu", "images", "v" * 10_000 + " preds")),
    ),
    "no-inputs": (Reason.NO_INPUTS, lambda: _without("input")),
    "no-outputs": (Reason.NO_OUTPUTS, lambda: _without("output")),
    "no-nodes": (Reason.NOT_SORTED, lambda: _without("node")),
    "made-twice": (
        Reason.DUPLICATE_NAME,
        lambda: of(node("Relu", "images", "preds"), node("Abs", "images", "preds")),
    ),
    "stored-twice": (
        Reason.DUPLICATE_NAME,
        lambda: of(
            node("Relu", "images", "preds"), tensors=[stored("w", 1), stored("w", 2)]
        ),
    ),
    "input-shadowed": (Reason.SHADOWED_NAME, _shadowing),
    "cycle": (Reason.NOT_SORTED, _cycle),
    "dangling": (Reason.NOT_SORTED, lambda: of(node("Relu", "nothing", "preds"))),
    "wrong-types": (Reason.CHECKER, _wrong_types),
    "wrong-attribute": (
        Reason.CHECKER,
        lambda: of(node("Relu", "images", "preds", power=9_000)),
    ),
    "missing-attribute": (
        Reason.CHECKER,
        lambda: of(node("Concat", "images", "preds")),
    ),
    "fill-bomb": (Reason.COMPUTED_TOO_LARGE, lambda: _fill(2**20, 2**20)),
    "fill-overflow": (Reason.CHECKER, lambda: _fill(-1)),
    "fill-many": (Reason.CONSTANTS_TOO_LARGE, _fill_many),
    "fill-by-arithmetic": (Reason.COMPUTED_TOO_LARGE, _fill_by_arithmetic),
    "fill-unknown": (Reason.CONSTANTS_UNBOUNDED, _fill_unknown),
    "expand-constant": (Reason.COMPUTED_TOO_LARGE, lambda: _expand("one")),
    "expand-input": (Reason.COMPUTED_TOO_LARGE, lambda: _expand("images")),
    "tile-bomb": (Reason.COMPUTED_TOO_LARGE, _tile),
    "resize-bomb": (Reason.COMPUTED_TOO_LARGE, lambda: _resize(1, 3, 32, 32)),
    "resize-bomb-free": (
        Reason.COMPUTED_TOO_LARGE,
        lambda: _resize("n", 3, "height", "width"),
    ),
    "range-bomb": (Reason.COMPUTED_TOO_LARGE, _range),
    "pad-bomb": (Reason.COMPUTED_TOO_LARGE, _pad),
}
