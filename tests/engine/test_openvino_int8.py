"""Activations that cannot be negative, as OpenVINO computes them right."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import numpy as np
import onnx
import openvino as ov
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from inference_worker.engine.backends.onnxruntime import OnnxRuntimeBackend
from inference_worker.engine.backends.openvino import OpenVinoBackend
from inference_worker.engine.backends.openvino_int8 import for_openvino, is_quantised
from inference_worker.engine.backends.openvino_sums import signed_sums_saturate
from inference_worker.engine.manifest import Manifest, canonical
from tests.engine.toy import toy_manifest, toy_network

SCALE = 0.02


def joined(activation: str = "Relu", last: str = "Concat") -> ModelProto:
    """Two activations, put together, in int8 to a convolution of int8 weights."""
    rng = np.random.default_rng(0)
    weights = rng.integers(
        -127, 128, (24, 48 if last == "Concat" else 24, 1, 1), np.int8
    )
    how = {"axis": 1} if last == "Concat" else {}
    nodes = [
        helper.make_node(activation, ["a"], ["a.active"]),
        helper.make_node(activation, ["b"], ["b.active"]),
        helper.make_node(last, ["a.active", "b.active"], ["both"], **how),
        helper.make_node("QuantizeLinear", ["both", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
        helper.make_node(
            "DequantizeLinear", ["w", "w.scale", "w.zero"], ["w.d"], axis=0
        ),
        helper.make_node("Conv", ["d", "w.d"], ["y"]),
    ]
    constants = {
        "scale": np.float32(SCALE),
        "zero": np.int8(0),
        "w": weights,
        "w.scale": rng.uniform(0.001, 0.003, 24).astype(np.float32),
        "w.zero": np.zeros(24, np.int8),
    }
    shape = ["N", 24, "H", "W"]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in "aby"]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "joined", ends[:2], ends[2:], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    onnx.checker.check_model(model, full_check=True)
    return model


def whole() -> bytes:
    """The same of `images`, as a version's network takes them."""
    model = joined()
    rng = np.random.default_rng(1)
    graph, nodes = model.graph, list(model.graph.node)
    for name in "ab":
        weights = rng.normal(0, 1, (24, 3, 1, 1)).astype(np.float32)
        graph.initializer.append(numpy_helper.from_array(weights, f"{name}.w"))
        nodes.insert(0, helper.make_node("Conv", ["images", f"{name}.w"], [name]))
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.append(
        helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, "H", "W"])
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def zero_points(data: bytes) -> dict[str, int]:
    """The type of each quantise and dequantise node's zero point."""
    graph = onnx.load_model_from_string(data).graph
    kinds = {one.name: one.data_type for one in graph.initializer}
    return {
        node.output[0]: kinds[node.input[2]]
        for node in graph.node
        if node.op_type in ("QuantizeLinear", "DequantizeLinear")
    }


@pytest.mark.parametrize("saturate", [False, True])
@pytest.mark.parametrize("last", ["Concat", "Add", "Max"])
def test_what_follows_a_relu_becomes_unsigned_and_weights_stay(
    last: str, saturate: bool
) -> None:
    data = for_openvino(joined(last=last).SerializeToString(), signed_saturate=saturate)
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    unsigned, signed = TensorProto.UINT8, TensorProto.INT8
    assert zero_points(data) == {"q": unsigned, "d": unsigned, "w.d": signed}


@pytest.mark.parametrize(("activation", "last"), [("Tanh", "Concat"), ("Relu", "Sub")])
@pytest.mark.parametrize("saturate", [False, True])
def test_what_may_be_negative_stays_signed(
    activation: str, last: str, saturate: bool
) -> None:
    model = joined(activation, last).SerializeToString()
    found = zero_points(for_openvino(model, signed_saturate=saturate))
    assert set(found.values()) == {TensorProto.INT8}


@pytest.mark.parametrize("activation", ["Relu", "Tanh", "HardSwish"])
@pytest.mark.parametrize("last", ["Concat", "Add"])
def test_openvino_computes_then_what_onnx_runtime_does(
    activation: str, last: str
) -> None:
    from onnxruntime import InferenceSession

    model = joined(activation, last).SerializeToString()
    rng = np.random.default_rng(3)
    feeds = {n: rng.normal(0, 0.6, (1, 24, 40, 40)).astype(np.float32) for n in "ab"}
    session = InferenceSession(model, providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, feeds)
    core = ov.Core()
    graph = core.read_model(for_openvino(model, signed_saturate=signed_sums_saturate()))
    compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(feeds)[0]
    apart = np.sqrt(np.square(found - expected).mean() / np.square(expected).mean())
    assert apart < 0.02


@pytest.mark.parametrize(
    ("activation", "last", "saturate", "taken"),
    [
        ("Tanh", "Concat", False, "both"),
        ("Tanh", "Add", False, "d"),
        ("Tanh", "Add", True, "both"),
        ("Relu", "Add", True, "d"),
    ],
)
def test_what_openvino_would_sum_up_wrong_stays_float(
    activation: str, last: str, saturate: bool, taken: str
) -> None:
    model = joined(activation, last).SerializeToString()
    data = for_openvino(model, signed_saturate=saturate)
    graph = onnx.load_model_from_string(data).graph
    (conv,) = (node for node in graph.node if node.op_type == "Conv")
    assert conv.input[0] == taken


@pytest.mark.skipif(
    not platform.machine().startswith(("x86", "AMD64")), reason="instructions of x86"
)
def test_without_instructions_for_it_the_same_numbers_come_out() -> None:
    """As on a processor of AVX2 alone."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "openvino_computes", __file__],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_graph_as_deep_as_it_likes_is_walked() -> None:
    model = joined()
    chain = [
        helper.make_node("Identity", ["both" if i == 0 else f"n{i}"], [f"n{i + 1}"])
        for i in range(5000)
    ]
    nodes = list(model.graph.node)
    nodes[3].input[0] = "n5000"
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:3], *chain, *nodes[3:]])
    found = zero_points(for_openvino(model.SerializeToString(), signed_saturate=False))
    assert found["q"] == TensorProto.UINT8


@pytest.mark.parametrize("precision", ["int8", "f32", None])
def test_a_quantised_network_is_computed_right_whatever_it_is_taken_for(
    precision: str | None,
) -> None:
    """Imported, it is the file in float of its version."""
    model = whole()
    manifest = Manifest.parse(canonical(toy_manifest({"model.onnx": model})))
    pixels = np.random.default_rng(2).integers(0, 256, (1, 64, 64, 3), np.uint8)
    expected = OnnxRuntimeBackend(manifest, model).forward(pixels)
    found = OpenVinoBackend(manifest, model, precision=precision).forward(pixels)
    apart = np.sqrt(np.square(found - expected).mean() / np.square(expected).mean())
    assert apart < 0.03


def test_zero_points_that_shift_are_left_alone() -> None:
    """Other quantisers' files: as unsigned they would stand for other numbers."""
    model = joined()
    for one in model.graph.initializer:
        if one.name == "zero":
            one.CopyFrom(numpy_helper.from_array(np.int8(-128), "zero"))
    data = for_openvino(model.SerializeToString(), signed_saturate=False)
    assert set(zero_points(data).values()) == {TensorProto.INT8}


def test_a_file_in_float_is_not_taken_for_a_quantised_one() -> None:
    assert is_quantised(whole())
    assert not is_quantised(toy_network())
