"""Float16 written into the graph, with and without int8."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, numpy_helper

from inference_worker.commands.models import SHIPPED
from inference_worker.quantise.errors import QuantisationError
from inference_worker.quantise.graph import behind, last_convolutions, with_names
from inference_worker.quantise.half import in_half
from inference_worker.quantise.qdq import quantised
from inference_worker.quantise.ranges import ranges_of
from inference_worker.quantise.rules import faults
from tests.quantise.nets import net, photos, run
from traceability.demo.boards import draw_sample

TENSORS = ["images", "one.relu"]


def in_int8(opset: int = 20) -> ModelProto:
    model = with_names(net(opset=opset))
    ranges = ranges_of(model, TENSORS, photos(6))["minmax"]
    return onnx.load_model_from_string(quantised(model, ranges))


@pytest.mark.parametrize("model", [net(), in_int8()], ids=["float", "int8"])
def test_it_computes_nearly_the_same_between_float32_ends(model: ModelProto) -> None:
    half = in_half(model)
    (image,) = photos(1, seed=4)
    expected, found = run(model, image), run(half, image)
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.06


def test_weights_and_scales_are_float16() -> None:
    half = in_half(in_int8())
    assert faults(half) == []
    kinds = {one.data_type for one in half.graph.initializer}
    assert TensorProto.FLOAT16 in kinds
    assert TensorProto.FLOAT not in kinds


def test_what_turns_features_into_boxes_stays_float32() -> None:
    shipped = onnx.load(SHIPPED / "pcb-defects" / "2" / "model.onnx")
    half = onnx.shape_inference.infer_shapes(in_half(shipped))
    kinds = {one.name: one.type.tensor_type.elem_type for one in half.graph.value_info}
    last = last_convolutions(half.graph)
    assert len(last) == 6
    assert {kinds[node.output[0]] for node in last} == {TensorProto.FLOAT16}
    decoding = behind(half.graph, [name for node in last for name in node.output])
    computed = [node for node in decoding if node.op_type != "Cast"]
    made = {kinds[n] for node in computed for n in node.output if n in kinds}
    assert TensorProto.FLOAT16 not in made
    assert half.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT


def test_sums_over_planes_stay_float32() -> None:
    """320 x 320 values are summed for one mean: beyond 65504 that is infinite."""
    shipped = onnx.load(SHIPPED / "pcb-defects" / "3" / "model.onnx")
    half = onnx.shape_inference.infer_shapes(in_half(shipped))
    typed = (*half.graph.value_info, *half.graph.output)
    kinds = {one.name: one.type.tensor_type.elem_type for one in typed}
    means = [node for node in half.graph.node if node.op_type == "ReduceMean"]
    assert len(means) == 4
    for node in means:
        taken, given = kinds[node.input[0]], kinds[node.output[0]]
        assert (taken, given) == (TensorProto.FLOAT, TensorProto.FLOAT)


def test_a_shipped_model_finds_the_same_in_float16() -> None:
    shipped = onnx.load(SHIPPED / "pcb-defects" / "2" / "model.onnx")
    board = draw_sample(np.random.default_rng(5), 512).image
    image = np.ascontiguousarray(board.transpose(2, 0, 1)[None] / np.float32(255))
    expected, found = run(shipped, image), run(in_half(shipped), image)
    seen = expected[..., 4:].max(2) > 0.1
    assert seen.any()
    assert np.abs(found - expected)[..., 4:].max() < 0.02
    assert np.abs(found - expected)[seen][:, :4].max() < 0.5


def test_weights_that_float16_cannot_hold_are_refused() -> None:
    model = net()
    weights = numpy_helper.to_array(model.graph.initializer[0]) * 1e6
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "one.weight"))
    with pytest.raises(QuantisationError, match=r"one\.weight: float16 cannot hold"):
        in_half(model)


def test_scales_of_an_old_opset_cannot_be_float16() -> None:
    with pytest.raises(QuantisationError, match="opset 17"):
        in_half(in_int8(opset=17))
