"""Convolutions and their ReLUs as one operator of ONNX Runtime's."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from inference_worker.engine.backends.fixed_shape import Network
from inference_worker.engine.backends.fusing import fused


@pytest.mark.parametrize("half", [False, True])
def test_a_convolution_and_its_relu_become_one_and_say_the_same(half: bool) -> None:
    plain = Network.of(_two_convolutions(), half=half)
    together = plain.fused()
    shape = (2, 3, 24, 32)
    graph = onnx.load_from_string(together.at(shape)).graph
    kinds = [one.op_type for one in graph.node]
    assert kinds.count("FusedConv") == kinds.count("Conv") == 1
    assert "Relu" not in kinds
    images = np.random.default_rng(1).random(shape, np.float32)
    images = images.astype(np.float16 if half else np.float32)
    wanted, came = (
        onnxruntime.InferenceSession(
            one.at(shape), providers=["CPUExecutionProvider"]
        ).run(None, {"images": images})[0]
        for one in (plain, together)
    )
    assert np.ptp(wanted) > 0.05
    assert np.abs(came - wanted).max() < (2e-3 if half else 1e-5)


def _two_convolutions() -> bytes:
    """The first with a ReLU behind it, and asked for its shape."""
    rng = np.random.default_rng(2)
    node, values = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    weights = {"w1": (8, 3, 3, 3), "b1": (8,), "w2": (4, 8, 1, 1), "b2": (4,)}
    single = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [
            node("Conv", ["images", "w1", "b1"], ["conv"], pads=[1, 1, 1, 1]),
            node("Shape", ["conv"], ["size"]),
            node("Relu", ["conv"], ["relu"]),
            node("Reshape", ["relu", "size"], ["same"]),
            node("Conv", ["same", "w2", "b2"], ["logits"]),
            node("Sigmoid", ["logits"], ["preds"]),
        ],
        "g",
        [values("images", single, ["n", 3, "h", "w"])],
        [values("preds", single, ["n", 4, "h", "w"])],
        [
            onnx.numpy_helper.from_array(
                rng.normal(0, 0.3, shape).astype(np.float32), name
            )
            for name, shape in weights.items()
        ],
    )
    opset = [onnx.helper.make_opsetid("", 20)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=10)
    return bytes(model.SerializeToString())


def test_what_others_read_too_stays_a_convolution_of_its_own() -> None:
    def kinds_of(
        *more: onnx.NodeProto, outputs: tuple[str, ...] = ("relu",)
    ) -> list[str]:
        nodes = [
            onnx.helper.make_node("Conv", ["x", "w", "b"], ["conv"]),
            onnx.helper.make_node("Relu", ["conv"], ["relu"]),
            *more,
        ]
        kind = onnx.TensorProto.FLOAT
        values = [onnx.helper.make_tensor_value_info(o, kind, None) for o in outputs]
        graph = onnx.helper.make_graph(nodes, "g", [], values)
        return [one.op_type for one in fused(onnx.helper.make_model(graph)).graph.node]

    assert kinds_of() == ["FusedConv"]
    asks = onnx.helper.make_node("Shape", ["conv"], ["size"])
    assert kinds_of(asks) == ["FusedConv", "Shape"]
    reads = onnx.helper.make_node("Sigmoid", ["conv"], ["gate"])
    assert kinds_of(reads) == ["Conv", "Relu", "Sigmoid"]
    assert kinds_of(outputs=("relu", "conv")) == ["Conv", "Relu"]
