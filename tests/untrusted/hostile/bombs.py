"""Small files that become large, or take for ever, when they are loaded or run."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto, helper

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import Files, Shape, node, of, stored, value


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


def _resize(*shape: int | str, scale: float = 3e4) -> bytes:
    return of(
        helper.make_node("Resize", ["images", "", "scales"], ["preds"]),
        tensors=[stored("scales", [1, 1, scale, scale])],
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


def _filled(*nodes: NodeProto, count: int = 10, shape: Shape = (1, 3, 32, 32)) -> bytes:
    """`nodes` make `size` of the input's, and `count` tensors are filled by it."""
    fills = [node("ConstantOfShape", "size", f"ones{n}") for n in range(count)]
    return of(
        *nodes,
        *fills,
        *(node("ReduceSum", f"ones{n}", f"sum{n}", keepdims=0) for n in range(count)),
        node("Sum", "images " + " ".join(f"sum{n}" for n in range(count)), "preds"),
        tensors=[
            stored("four", [1, 1, 64, 64], np.int64),
            stored("many", [2**11], np.int64),
            stored("first", [0], np.int64),
        ],
        inputs=[value("images", shape)],
    )


def _fill_by_shape(*shape: int | str) -> bytes:
    """A runtime knows that shape when it loads the model, and folds what follows."""
    return _filled(
        node("Shape", "images", "sizes"), node("Mul", "sizes four", "size"), shape=shape
    )


def _fill_by_part() -> bytes:
    """The number of images is free; the rest of the shape folds all the same."""
    return _filled(
        node("Relu", "images", "hidden"),
        node("Shape", "hidden", "size", start=1),
        count=60,
        shape=("n", 3, 512, 512),
    )


def _fill_by_size() -> bytes:
    return _filled(
        node("Size", "images", "elements"),
        node("Mul", "elements many", "size"),
    )


def _cast_like() -> bytes:
    """Of the input only the type counts."""
    names = [f"like{n}" for n in range(10)]
    return of(
        node("ConstantOfShape", "size", "ones"),
        *(node("CastLike", "ones images", name) for name in names),
        node("Sum", " ".join(names), "all"),
        node("ReduceMean", "all", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[stored("size", [2**11, 2**11], np.int64)],
    )


def _joined_with_nothing() -> bytes:
    """No element of the input is in what is computed, so OpenVINO folds it."""
    nodes = [
        node("Slice", "images none none", "nothing"),
        node("Reshape", "nothing empty", "joint", allowzero=1),
        node("ConstantOfShape", "size", "v0"),
    ]
    for n in range(20):
        nodes.append(node("Concat", f"joint v{n}", f"c{n}", axis=0))
        nodes.append(node("Exp", f"c{n}", f"v{n + 1}"))
    return of(
        *nodes,
        node("ReduceMean", "v20", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[
            stored("none", [0], np.int64),
            stored("empty", [0, 2**11], np.int64),
            stored("size", [2**11, 2**11], np.int64),
        ],
    )


def _inference_bomb() -> bytes:
    """ONNX's own inference keeps each number of a filled list, 100 bytes for each."""
    nodes = [node("ConstantOfShape", "size", "v0")]
    nodes += [node("Concat", f"v{n}", f"v{n + 1}", axis=0) for n in range(20)]
    return of(
        *nodes,
        node("ReduceMean", "v20", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[stored("size", [2**22], np.int64)],
    )


def _doubling() -> bytes:
    nodes = [node("Concat", f"v{n} v{n}", f"v{n + 1}", axis=3) for n in range(40)]
    return of(node("Relu", "images", "v0"), *nodes, node("Relu", "v40", "preds"))


def _one_hot() -> bytes:
    return of(
        node("Cast", "images", "whole", to=TensorProto.INT64),
        node("OneHot", "whole depth two", "places"),
        node("ReduceMean", "places", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[stored("depth", 2**40, np.int64), stored("two", [0.0, 1.0])],
    )


def _spread(**attributes: list[int]) -> bytes:
    return of(
        node("ConvTranspose", "images weights", "preds", **attributes),
        tensors=[stored("weights", np.zeros((3, 8, 3, 3)))],
    )


def _size_of_nan() -> bytes:
    return of(
        node("Cast", "nan", "size", to=TensorProto.INT64),
        node("ConstantOfShape", "size", "ones"),
        node("ReduceSum", "ones", "sum", keepdims=0),
        node("Add", "images sum", "preds"),
        tensors=[stored("nan", [np.nan])],
    )


def _products() -> bytes:
    """Nothing is large, and nobody would live to see the end."""
    nodes = [node("MatMul", f"v{n} v{n}", f"v{n + 1}") for n in range(1_000)]
    return of(
        node("Expand", "images size", "v0"),
        *nodes,
        node("ReduceMean", "v1000", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
        tensors=[stored("size", [1, 1, 2**12, 2**12], np.int64)],
        inputs=[value("images", [1, 1, 1, 1])],
    )


def _einsum() -> bytes:
    inputs, letters = "images images images images", "abcd,efgh,ijkl,mnop->cgko"
    return of(
        node("Einsum", inputs, "sum", equation=letters),
        node("ReduceMean", "sum", "mean", keepdims=0),
        node("Add", "images mean", "preds"),
    )


FILES: Files = {
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
    "fill-by-shape": (
        Reason.CONSTANTS_TOO_LARGE,
        lambda: _fill_by_shape(1, 3, 32, 32),
    ),
    "fill-by-free-shape": (
        Reason.COMPUTED_TOO_LARGE,
        lambda: _fill_by_shape("n", 3, "height", "width"),
    ),
    "fill-by-part": (Reason.CONSTANTS_TOO_LARGE, _fill_by_part),
    "fill-by-size": (Reason.CONSTANTS_TOO_LARGE, _fill_by_size),
    "cast-like": (Reason.CONSTANTS_TOO_LARGE, _cast_like),
    "joined-with-nothing": (Reason.CONSTANTS_TOO_LARGE, _joined_with_nothing),
    "inference-bomb": (Reason.OUT_OF_MEMORY, _inference_bomb),
    "doubling": (Reason.COMPUTED_TOO_LARGE, _doubling),
    "one-hot": (Reason.COMPUTED_TOO_LARGE, _one_hot),
    "strides-huge": (Reason.COMPUTED_TOO_LARGE, lambda: _spread(strides=[2**12] * 2)),
    "dilations-huge": (
        Reason.COMPUTED_TOO_LARGE,
        lambda: _spread(dilations=[2**20] * 2),
    ),
    "scales-negative": (Reason.DIMENSION, lambda: _resize(1, 3, 32, 32, scale=-1)),
    "scales-nan": (Reason.DIMENSION, lambda: _resize(1, 3, 32, 32, scale=np.nan)),
    "scales-endless": (Reason.DIMENSION, lambda: _resize(1, 3, 32, 32, scale=np.inf)),
    "size-of-nan": (Reason.CONSTANTS_UNBOUNDED, _size_of_nan),
    "products-for-ever": (Reason.TOO_MUCH_WORK, _products),
    "einsum-for-ever": (Reason.TOO_MUCH_WORK, _einsum),
}
