"""A small detector as ONNX: two quantisable convolutions, one that gives scores."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

CLASSES = 2


def net(seed: int = 0, opset: int = 20) -> ModelProto:
    """`images` (N, 3, H, W) to `preds` (N, H * W / 16, 4 + CLASSES); nodes unnamed."""
    rng = np.random.default_rng(seed)
    nodes, weights = [], []

    def constant(name: str, values: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(source: str, name: str, into: int, out: int, stride: int) -> str:
        shape = (out, into, 3, 3)
        scale = np.exp(rng.normal(0, 1, (out, 1, 1, 1)))
        values = rng.normal(0, 0.3, shape) * scale
        kernel = constant(f"{name}.weight", values.astype(np.float32))
        bias = constant(f"{name}.bias", rng.normal(0, 0.1, out).astype(np.float32))
        sides = {"strides": [stride] * 2, "pads": [1] * 4}
        nodes.append(helper.make_node("Conv", [source, kernel, bias], [name], **sides))
        return name

    def node(kind: str, sources: list[str], name: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, sources, [name], **attributes))
        return name

    first = node("Relu", [conv("images", "one", 3, 8, 2)], "one.relu")
    second = node("Relu", [conv(first, "two", 8, 8, 2)], "two.relu")
    last = conv(second, "last", 8, 4 + CLASSES, 1)
    flat = node(
        "Reshape", [last, constant("flat", np.array([0, 4 + CLASSES, -1]))], "f"
    )
    turned = node("Transpose", [flat], "turned", perm=[0, 2, 1])
    node("Sigmoid", [turned], "preds")
    graph = helper.make_graph(
        nodes,
        "net",
        [
            helper.make_tensor_value_info(
                "images", TensorProto.FLOAT, ["N", 3, "H", "W"]
            )
        ],
        [helper.make_tensor_value_info("preds", TensorProto.FLOAT, ["N", None, None])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    helper.set_model_props(model, {"causeline_schema": "1"})
    onnx.checker.check_model(model, full_check=True)
    return model


def by_nodes(model: ModelProto) -> ModelProto:
    """The same model with a Constant node in place of each initialiser, and an Identity
    between the first weights and their convolution, as exporters write shared ones.
    """
    changed = ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    nodes = [
        helper.make_node("Constant", [], [one.name], value=one)
        for one in graph.initializer
    ]
    nodes.append(helper.make_node("Identity", ["one.weight"], ["shared"]))
    for node in graph.node:
        node.input[:] = ["shared" if n == "one.weight" else n for n in node.input]
        nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
    del graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(changed, full_check=True)
    return changed


def photos(count: int, seed: int = 1, size: int = 64) -> list[np.ndarray]:
    """Float32 (1, 3, size, size) in 0..1."""
    rng = np.random.default_rng(seed)
    return [rng.random((1, 3, size, size), np.float32) for _ in range(count)]


def run(model: ModelProto | bytes, images: np.ndarray) -> np.ndarray:
    from onnxruntime import InferenceSession

    data = model if isinstance(model, bytes) else model.SerializeToString()
    session = InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"images": images})[0])
