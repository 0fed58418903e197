"""From ranges to a graph that every backend takes."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, numpy_helper

from inference_worker.quantise.errors import QuantisationError
from inference_worker.quantise.graph import (
    behind,
    last_convolutions,
    prepared,
    quantised_convolutions,
    with_names,
)
from inference_worker.quantise.qdq import check_quantisable, quantised
from inference_worker.quantise.ranges import METHODS, Seen, entropy_clip, ranges_of
from inference_worker.quantise.rules import faults
from tests.quantise.nets import by_nodes, net, photos, run

TENSORS = ["images", "one.relu"]


@pytest.fixture(scope="module")
def model() -> ModelProto:
    return with_names(net())


@pytest.fixture(scope="module")
def files(model: ModelProto) -> dict[str, bytes]:
    ranges = ranges_of(model, TENSORS, photos(12))
    return {method: quantised(model, ranges[method]) for method in METHODS}


def test_names_are_given_where_they_are_missing_or_shared() -> None:
    twice = net()
    twice.graph.node[0].name = twice.graph.node[1].name = "same"
    named = with_names(twice)
    names = [node.name for node in named.graph.node]
    assert all(names)
    assert len(set(names)) == len(names)
    assert twice.graph.node[2].name == ""


def test_the_last_convolution_and_what_follows_stay_float(model: ModelProto) -> None:
    assert [n.output[0] for n in last_convolutions(model.graph)] == ["last"]
    assert [n.output[0] for n in quantised_convolutions(model.graph)] == ["one", "two"]
    kinds = [node.op_type for node in behind(model.graph, ["last"])]
    assert kinds == ["Reshape", "Transpose", "Sigmoid"]


def test_a_model_is_quantised_once_only(files: dict[str, bytes]) -> None:
    again = onnx.load_model_from_string(files["minmax"])
    with pytest.raises(QuantisationError, match="already"):
        quantised_convolutions(again.graph)


def test_a_model_of_last_convolutions_alone_is_refused() -> None:
    model = with_names(net())
    kept = [
        n for n in model.graph.node if n.output[0] not in ("two", "two.relu", "last")
    ]
    for node in kept:
        node.input[:] = ["one.relu" if n == "last" else n for n in node.input]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    with pytest.raises(QuantisationError, match="no convolution"):
        quantised_convolutions(model.graph)


def test_minmax_is_what_was_seen(model: ModelProto) -> None:
    images = photos(5)
    found = ranges_of(model, TENSORS, images)["minmax"]
    every = np.concatenate(images)
    assert found["images"] == (every.min(), every.max())
    assert found["one.relu"][0] == 0


def test_images_are_looked_at_once_and_in_any_order(model: ModelProto) -> None:
    """Large values first or last: bins grow to hold them."""
    images = [image * (10.0 ** (i % 5 - 3)) for i, image in enumerate(photos(10))]
    found = [
        ranges_of(model, TENSORS, (image for image in some))
        for some in (images, images[::-1])
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 777.0])
def test_methods_clip_where_they_would_at_any_scale(
    model: ModelProto, scale: float
) -> None:
    """To within a bin: those are of powers of two."""
    images = photos(6)
    usual = ranges_of(model, ["images"], images)
    scaled = ranges_of(
        model, ["images"], [image * np.float32(scale) for image in images]
    )
    for method in METHODS:
        high = scaled[method]["images"][1] / scale
        assert high == pytest.approx(usual[method]["images"][1], rel=0.02)


def test_a_tensor_of_zeros_has_a_range(model: ModelProto) -> None:
    found = ranges_of(model, ["images"], [photos(1)[0] * 0])
    assert all(found[method]["images"] == (0, 0) for method in METHODS)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_computes_no_numbers_is_refused(
    model: ModelProto, value: float
) -> None:
    images = photos(3)
    images[1][0, 0, 0, 0] = value
    with pytest.raises(QuantisationError, match=r"^images: .* not finite"):
        ranges_of(model, TENSORS, images)


def test_percentile_clips_what_hardly_ever_occurs(model: ModelProto) -> None:
    images = photos(8)
    images[3][0, 0, 5, 5] = 40.0
    found = ranges_of(model, TENSORS, images)
    assert found["minmax"]["images"][1] == 40
    assert found["percentile"]["images"][1] < 2


def test_entropy_clips_what_hardly_ever_occurs(model: ModelProto) -> None:
    images = [image * 0.2 for image in photos(12)]
    images[0][0, 0, 5, 5] = 40.0
    found = ranges_of(model, TENSORS, images)
    assert found["minmax"]["images"][1] == 40
    assert found["entropy"]["images"][1] < 20


def seen(*parts: tuple[int, float]) -> Seen:
    """So many values of so large a magnitude each."""
    made = Seen()
    for count, value in parts:
        assert made.add(np.full((1, 1, 1, count), value, np.float32))
    return made


@pytest.mark.parametrize(
    "parts",
    [
        [(95_000, 0.01), (5_000, 1.0)],  # two levels
        [(95_000, 1.0), (5_000, 0.01)],
        [(33_000, 0.002), (33_000, 0.01), (33_000, 0.03), (1_000, 1.0)],  # spikes
        [(100_000, 1.0)],
        [(100_000, 0.7)],
        [(900_000, 0.0), (99_800, 0.01), (200, 1.0)],  # zeros are not what is kept
    ],
)
def test_entropy_never_clips_what_is_part_of_the_picture(
    parts: list[tuple[int, float]],
) -> None:
    largest = max(value for _, value in parts)
    _, high = seen(*parts).clipped(entropy_clip)
    assert high == pytest.approx(largest)


@pytest.mark.parametrize("top", [0.55, 0.7, 0.999, 1.0])
def test_entropy_keeps_saturated_values_whatever_their_bin(top: float) -> None:
    """As a clipped activation (ReLU6, HardSwish) has them, on top of a slope."""
    slope = np.linspace(0.0, top, 100_000, dtype=np.float32)
    made = seen((3_000, top))
    assert made.add(slope.reshape(1, 1, 1, -1))
    assert made.clipped(entropy_clip)[1] == pytest.approx(top)


def test_entropy_clips_a_thousandth_at_most() -> None:
    """Sharp peaks below would be told apart by a clip that costs the rest."""
    rng = np.random.default_rng(0)
    peaks = zip(rng.integers(1, 1000, 300), rng.random(300) * 0.1, strict=True)
    _, high = seen(*peaks, (500, 1.0)).clipped(entropy_clip)  # 0.3 %
    assert high == pytest.approx(1.0)


def test_every_method_computes_nearly_what_the_model_computes(
    model: ModelProto, files: dict[str, bytes]
) -> None:
    (image,) = photos(1, seed=9)
    expected = run(model, image)
    for method, data in files.items():
        apart = np.abs(run(data, image) - expected)
        assert 0 < apart.max() < 0.15, method


def test_the_file_is_small_and_says_what_the_model_said(
    files: dict[str, bytes],
) -> None:
    result = onnx.load_model_from_string(files["entropy"])
    weights = {one.name: one for one in result.graph.initializer}
    int8 = [n for n, one in weights.items() if one.data_type == TensorProto.INT8]
    assert sum(len(weights[name].dims) == 4 for name in int8) == 2
    kinds = Counter(node.op_type for node in result.graph.node)
    assert (kinds["QuantizeLinear"], kinds["DequantizeLinear"]) == (2, 4)
    assert {p.key: p.value for p in result.metadata_props} == {"causeline_schema": "1"}
    assert {one.domain for one in result.opset_import} == {""}
    assert not result.graph.value_info


def test_the_same_images_give_the_same_file(model: ModelProto) -> None:
    both = [ranges_of(model, TENSORS, photos(4)) for _ in range(2)]
    first, second = (quantised(model, one["entropy"]) for one in both)
    assert first == second


def zero_point(model: ModelProto) -> None:
    change(model, 2, lambda zero: zero + 3)


def scale(model: ModelProto) -> None:
    change(model, 1, lambda value: value * 0)


def infinite(model: ModelProto) -> None:
    change(model, 1, lambda value: value + np.float32(np.inf))


def unsigned(model: ModelProto) -> None:
    change(model, 2, lambda zero: zero.astype(np.uint8))


def coarse(model: ModelProto) -> None:
    """One scale for all channels of the weights."""
    change(model, 1, lambda value: value[:1] if value.ndim else value)


def implicit(model: ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear":
            del node.input[2:]


def head(model: ModelProto) -> None:
    for node in model.graph.node:
        if node.output[0] == "last":
            node.input[0] = "one.relu_DequantizeLinear_Output"


def old_half(model: ModelProto) -> None:
    change(model, 1, lambda value: value.astype(np.float16))
    model.opset_import[0].version = 17


def another_scale(model: ModelProto) -> None:
    """Each activation is given back twice as large as it was."""
    kept = [n for n in model.graph.node if n.op_type == "DequantizeLinear"]
    for node in kept:
        if node.input[0] not in {one.name for one in model.graph.initializer}:
            value = stored(model, node.input[1]) * np.float32(2)
            node.input[1] = f"{node.input[1]}_twice"
            doubled = numpy_helper.from_array(value, node.input[1])
            model.graph.initializer.append(doubled)


def activations(model: ModelProto) -> None:
    for node in model.graph.node:
        if node.output[0] == "two":
            node.input[0] = "one.relu"


def weights(model: ModelProto) -> None:
    values = numpy_helper.from_array(np.ones((8, 8, 3, 3), np.float32), "plain")
    model.graph.initializer.append(values)
    for node in model.graph.node:
        if node.output[0] == "two":
            node.input[1] = "plain"


def unpaired(model: ModelProto) -> None:
    """A model that is given int8."""
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and "one.relu" in node.input[0]:
            node.input[0] = "given"


def change(
    model: ModelProto, place: int, how: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Another value for that input of all quantise and dequantise nodes."""
    kinds = ("QuantizeLinear", "DequantizeLinear")
    names = {n.input[place] for n in model.graph.node if n.op_type in kinds}
    for one in model.graph.initializer:
        if one.name in names:
            value = how(numpy_helper.to_array(one))
            one.CopyFrom(numpy_helper.from_array(value, one.name))


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (zero_point, "zero point"),
        (scale, "not a number above 0"),
        (infinite, "not a number above 0"),
        (unsigned, "zero point"),
        (coarse, "no scale for each output channel"),
        (implicit, "no zero point"),
        (head, "a last convolution takes int8"),
        (another_scale, "another scale or zero point than"),
        (activations, "its activations are float"),
        (weights, "its weights are float"),
        (unpaired, "dequantises what no node quantised"),
        (old_half, "float16 scales need opset 19"),
    ],
)
def test_a_graph_that_breaks_a_rule_is_told(
    files: dict[str, bytes], spoilt: Callable[[ModelProto], None], told: str
) -> None:
    sound = onnx.load_model_from_string(files["minmax"])
    assert faults(sound) == []
    broken = copy.deepcopy(sound)
    spoilt(broken)
    assert any(told in fault for fault in faults(broken))


def test_a_float_model_is_no_quantised_one(model: ModelProto) -> None:
    assert faults(model) == ["nothing is quantised"]


def test_weights_of_constant_nodes_are_quantised_like_any_others(
    model: ModelProto,
) -> None:
    """Each output channel has a scale of its own."""
    other = prepared(by_nodes(net()))
    assert [n.op_type for n in other.graph.node if n.op_type == "Constant"] == []
    results = []
    for one in (model, other):
        ranges = ranges_of(one, TENSORS, photos(4))["minmax"]
        results.append(onnx.load_model_from_string(quantised(one, ranges)))
    scales = [
        stored(result, f"{name}_scale")
        for result, name in zip(results, ("one.weight", "shared"), strict=True)
    ]
    assert scales[0].shape == (8,)
    assert np.array_equal(*scales)
    (image,) = photos(1, seed=9)
    assert np.array_equal(*(run(result, image) for result in results))


def stored(model: ModelProto, name: str) -> np.ndarray:
    (found,) = (one for one in model.graph.initializer if one.name == name)
    return numpy_helper.to_array(found)


def test_a_constant_may_be_written_as_plain_numbers() -> None:
    model = by_nodes(net())
    for node in model.graph.node:
        if node.output[0] == "flat":
            values = numpy_helper.to_array(node.attribute[0].t).tolist()
            node.attribute[0].CopyFrom(onnx.helper.make_attribute("value_ints", values))
    onnx.checker.check_model(model, full_check=True)
    assert stored(prepared(model), "flat").tolist() == [0, 6, -1]
    assert stored(prepared(model), "flat").dtype == np.int64


def test_a_convolution_whose_weights_are_computed_stays_float(
    model: ModelProto,
) -> None:
    changed = copy.deepcopy(model)
    node = onnx.helper.make_node("Abs", ["two.weight"], ["two.computed"], "abs")
    changed.graph.node.insert(0, node)
    (conv,) = (one for one in changed.graph.node if one.output[0] == "two")
    conv.input[1] = "two.computed"
    assert [n.output[0] for n in quantised_convolutions(changed.graph)] == ["one"]
    ranges = ranges_of(changed, ["images"], photos(4))["minmax"]
    result = onnx.load_model_from_string(quantised(changed, ranges))
    assert faults(result) == []
    (image,) = photos(1, seed=9)
    assert np.abs(run(result, image) - run(changed, image)).max() < 0.15


def test_weights_of_float16_are_refused_by_name(model: ModelProto) -> None:
    halved = copy.deepcopy(model)
    (kernel,) = (one for one in halved.graph.initializer if one.name == "two.weight")
    values = numpy_helper.to_array(kernel).astype(np.float16)
    kernel.CopyFrom(numpy_helper.from_array(values, "two.weight"))
    with pytest.raises(QuantisationError, match=r"two\.weight: weights of float16"):
        check_quantisable(halved)


def test_what_the_quantiser_or_the_checker_refuses_is_told(model: ModelProto) -> None:
    """Scales of output channels are of opset 13, a graph must be sound."""
    old = with_names(net(opset=12))
    broken = copy.deepcopy(model)
    broken.graph.node[-1].op_type = "NoSuchOperator"
    for refused in (old, broken):
        with pytest.raises(QuantisationError, match="cannot be quantised: .") as caught:
            check_quantisable(refused)
        assert "Export it anew" in caught.value.hint


def test_what_can_be_quantised_passes(model: ModelProto) -> None:
    before = model.SerializeToString()
    check_quantisable(model)
    assert model.SerializeToString() == before


def behind_the_last(weights: np.ndarray) -> ModelProto:
    """The net with one more convolution, of a single kernel of 1 x 1."""
    model = with_names(net())
    graph = model.graph
    kernel = weights.astype(np.float32).reshape(1, -1, 1, 1)
    graph.initializer.append(numpy_helper.from_array(kernel, "bins"))
    graph.node.append(onnx.helper.make_node("Softmax", ["last"], ["p"], axis=1))
    graph.node.append(onnx.helper.make_node("Conv", ["p", "bins"], ["side"], "side"))
    graph.output.append(
        onnx.helper.make_tensor_value_info("side", TensorProto.FLOAT, None)
    )
    return model


@pytest.mark.parametrize(
    "bins",
    [np.arange(6), np.arange(6) * 0.1, np.linspace(-4, 4, 6), np.arange(6)[::-1]],
)
def test_a_mean_over_a_distribution_is_no_convolution_of_features(
    bins: np.ndarray,
) -> None:
    """As in Ultralytics' heads: softmax over bins, then their mean by a kernel."""
    graph = behind_the_last(bins).graph
    assert [n.output[0] for n in last_convolutions(graph)] == ["last"]
    assert [n.output[0] for n in quantised_convolutions(graph)] == ["one", "two"]


@pytest.mark.parametrize(
    "learnt", [np.random.default_rng(5).normal(size=6), np.ones(6), np.zeros(6)]
)
def test_a_head_of_one_class_is_a_last_convolution(learnt: np.ndarray) -> None:
    """Its weights have the shape of a mean's; what is before it is quantised."""
    model = behind_the_last(learnt)
    last = [node.output[0] for node in last_convolutions(model.graph)]
    assert last == ["side"]
    layers = quantised_convolutions(model.graph)
    assert [n.output[0] for n in layers] == ["one", "two", "last"]
    made = quantised(model, {node.input[0]: (0.0, 1.0) for node in layers})
    (head,) = (
        node
        for node in onnx.load_model_from_string(made).graph.node
        if node.name == "side"
    )
    assert list(head.input) == ["p", "bins"]
    assert faults(onnx.load_model_from_string(made)) == []
