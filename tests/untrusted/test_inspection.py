"""Good models pass, and what is told of them is true."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader

from inference_worker.untrusted.answers import Inspection, Value
from inference_worker.untrusted.inspection import inspect
from inference_worker.untrusted.limits import Limits
from tests.services import training_packages
from tests.untrusted.models import field, good, graph, model, node, stored, value

PATIENT = Limits(seconds=60)
REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = sorted((REPOSITORY / "engines").glob("*/*/model*.onnx"))


def look(tmp_path: Path, content: onnx.ModelProto) -> Inspection:
    path = tmp_path / "model.onnx"
    path.write_bytes(content.SerializeToString())
    return inspect(path, PATIENT)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.parent))
def test_what_we_ship_passes(path: Path) -> None:
    found, truth = inspect(path, PATIENT), onnx.load(path)
    names = json.loads((path.parent / "manifest.json").read_text())["classes"]
    assert found.model == path.read_bytes()
    assert found.sha256 == hashlib.sha256(found.model).hexdigest()
    assert json.loads(found.metadata["names"]) == names
    assert found.opsets[""] == 20
    assert sum(found.operators.values()) == len(truth.graph.node)
    assert found.initialisers == len(truth.graph.initializer)
    assert found.parameters == sum(math.prod(t.dims) for t in truth.graph.initializer)
    (images,), (preds,) = found.inputs, found.outputs
    assert (images.name, preds.name) == ("images", "preds")
    assert images.shape[0] == "batch"
    assert preds.shape[2] == 4 + len(names)


def test_a_small_one_is_told_in_full(tmp_path: Path) -> None:
    made = good()
    made.producer_name, made.producer_version = "pen", "2"
    onnx.helper.set_model_props(made, {"License": "AGPL-3.0 https://a.b", "task": "x"})
    found = look(tmp_path, made)
    assert found.inputs == (Value("images", "float32", (1, 3, 32, 32)),)
    assert found.outputs == (Value("preds", "float32", (1, 8, 32, 32)),)
    assert (found.ir_version, dict(found.opsets)) == (8, {"": 17})
    assert found.producer == "pen 2"
    assert found.licence == "AGPL-3.0 https://a.b"
    assert dict(found.operators) == {"Conv": 1, "Relu": 1}
    assert (found.initialisers, found.parameters) == (1, 216)
    assert found.initialiser_bytes == 864


def test_a_licence_is_found_wherever_it_stands(tmp_path: Path) -> None:
    made = good()
    made.doc_string = "Copyright 2025 Somebody"
    onnx.helper.set_model_props(made, {"license_url": "https://a.b", "task": "x"})
    found = look(tmp_path, made)
    assert found.doc_string == made.doc_string
    assert [*found.licences] == ["license_url", "doc_string"]
    assert found.licence == "https://a.b"


def test_a_note_that_is_no_text_is_told_as_far_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(good().SerializeToString() + field(6, b"MIT \xff"))
    assert inspect(path, PATIENT).doc_string == "MIT \ufffd"


def test_no_licence_is_none(tmp_path: Path) -> None:
    assert look(tmp_path, good()).licence is None


def test_domains_that_no_node_uses_are_no_reason(tmp_path: Path) -> None:
    """ONNX Runtime's quantiser names all that it knows."""
    made = good()
    made.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    assert look(tmp_path, made).opsets["com.microsoft"] == 1


def test_sizes_computed_step_by_step_are_followed(tmp_path: Path) -> None:
    """The way torch exports `expand` and `full` where it folds nothing."""
    made = model(
        graph(
            node("ConstantOfShape", "rank", "ones", value=stored("one", [1], np.int64)),
            node("Mul", "ones minus", "negative"),
            node("Equal", "wanted negative", "same"),
            node("Where", "same ones wanted", "sizes"),
            node("Expand", "scale sizes", "scales"),
            node("Mul", "images scales", "preds"),
            tensors=[
                stored("rank", [4], np.int64),
                stored("minus", [-1], np.int64),
                stored("wanted", [1, 3, 32, -1], np.int64),
                stored("scale", 2.0),
            ],
        )
    )
    assert look(tmp_path, made).operators["Expand"] == 1


@pytest.mark.parametrize("shape", [(1, 3, 640, 640), ("n", 3, "height", "width")])
def test_a_grid_that_is_made_of_the_shape_passes(
    tmp_path: Path, shape: tuple[int | str, ...]
) -> None:
    """Anchors as older exporters write them: more places than numbers are followed."""
    made = model(
        graph(
            node("Shape", "images", "sizes", start=2),
            node("ConstantOfShape", "sizes", "ones", value=stored("1", [1], np.int64)),
            node("NonZero", "ones", "places"),
            node("Transpose", "places", "anchors"),
            node("Cast", "anchors", "centres", to=TensorProto.FLOAT),
            node("ReduceMax", "centres", "largest", keepdims=0),
            node("Div", "images largest", "preds"),
            inputs=[value("images", shape)],
        )
    )
    assert look(tmp_path, made).operators["NonZero"] == 1


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        shape = (1, 3, 32, 32)
        self._left = [{"images": np.ones(shape, np.float32) * n} for n in range(3)]

    def get_next(self) -> dict[str, np.ndarray] | None:
        return self._left.pop() if self._left else None


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_one_passes(tmp_path: Path) -> None:
    onnx.save(good(), tmp_path / "float.onnx")
    quantize_static(
        tmp_path / "float.onnx",
        tmp_path / "int8.onnx",
        _Pictures(),
        quant_format=QuantFormat.QDQ,
        weight_type=QuantType.QInt8,
        per_channel=True,
    )
    found = inspect(tmp_path / "int8.onnx", PATIENT)
    assert found.operators["QuantizeLinear"] >= 1
    assert found.operators["DequantizeLinear"] >= 2


@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_what_torch_exports_passes(tmp_path: Path, dynamo: bool) -> None:
    training_packages()
    import torch

    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.SiLU(),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 4, 1),
        nn.Flatten(2),
        nn.Softmax(1),
    ).eval()
    torch.onnx.export(
        net,
        (torch.zeros(1, 3, 64, 64),),
        tmp_path / "model.onnx",
        dynamo=dynamo,
        external_data=False,
        input_names=["images"],
        output_names=["output0"],
        opset_version=18,
        verbose=False,
    )
    found = inspect(tmp_path / "model.onnx", PATIENT)
    assert found.inputs == (Value("images", "float32", (1, 3, 64, 64)),)
    assert found.outputs == (Value("output0", "float32", (1, 4, 128 * 128)),)
    assert found.producer.startswith("pytorch")


@pytest.mark.slow
def test_one_of_200_megabytes_passes(tmp_path: Path) -> None:
    made = good()
    weights = np.zeros((50_000, 1_000), np.float32)
    made.graph.initializer.append(stored("large", weights))
    made.graph.node.append(node("MatMul", "large column", "product"))
    made.graph.initializer.append(stored("column", np.zeros((1_000, 1))))
    assert look(tmp_path, made).initialiser_bytes > 200_000_000


def test_boxes_may_be_padded_by_how_many_were_selected(tmp_path: Path) -> None:
    """As exports with suppression in the graph do."""
    kind = TensorProto.FLOAT
    content = graph(
        node("Reshape", "images rows", "boxes"),
        node("ReduceMax", "images", "scores", axes=[1, 2], keepdims=0),
        node("Unsqueeze", "scores one", "classes"),
        node("NonMaxSuppression", "boxes classes most", "selected"),
        node("Shape", "selected", "count", end=1),
        node("Sub", "most count", "missing"),
        node("Concat", "none none missing none", "pads", axis=0),
        node("Pad", "selected pads", "padded"),
        node("Cast", "padded", "preds", to=kind),
        tensors=[
            stored("rows", [1, -1, 4], np.int64),
            stored("most", [300], np.int64),
            stored("none", [0], np.int64),
            stored("one", [1], np.int64),
        ],
        outputs=[value("preds", [None, 3])],
    )
    assert look(tmp_path, model(content)).operators["Pad"] == 1
