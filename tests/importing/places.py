"""Networks of YOLOv8's signature whose boxes follow the picture's size and colours.

Each place of the grids gives a box around itself, two strides wide and high, and as the
score of its class the mean of a plane around it. Spoilt ones are what exporters make of
a network that was traced for one picture of 64 x 64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.importing.foreign import SIDE, ULTRALYTICS

STRIDES = (8, 16, 32)
_LARGE, _LITTLE = 1e10, 1e-12


def places(
    *,
    joined: str = "0 0 -1",
    before: str = "",
    behind: str = "",
    opset: int = 17,
    chain: int = 0,
    metadata: Mapping[str, str] = ULTRALYTICS,
) -> bytes:
    """`joined` is the shape that each grid's places are joined by, `before` and
    `behind` are spoilers below; `chain` that many additions of next to nothing hang
    behind it.
    """
    graph = _Graph()
    seen = getattr(graph, before)("images") if before else "images"
    rows = [graph.grid(stride, joined, seen) for stride in STRIDES]
    last = graph.op("Concat", *rows, axis=2)
    if behind:
        last = getattr(graph, behind)(last)
    for _ in range(chain):
        last = graph.op("Add", last, graph.little())
    graph.op("Identity", last, output="output0")
    return graph.model(opset, metadata)


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        array = np.asarray(value, dtype)
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def little(self) -> str:
        self.constants.setdefault(
            "little",
            numpy_helper.from_array(np.full((1, 1, 1), _LITTLE, np.float32), "little"),
        )
        return "little"

    def grid(self, stride: int, joined: str, images: str) -> str:
        """(N, 7, places) of one stride."""
        size = [stride, stride]
        scores = self.op("AveragePool", images, kernel_shape=size, strides=size)
        first = self.op("Slice", scores, *self.whole([0], [1], [1]))
        ones = self.op("Add", self.op("Mul", first, self.constant(0)), self.constant(1))
        sides = [
            self.op("Mul", self.op("CumSum", ones, axis), self.constant(stride))
            for axis in self.whole(3, 2)
        ]
        middles = [self.op("Sub", one, self.constant(stride / 2)) for one in sides]
        width = self.op("Mul", ones, self.constant(2 * stride))
        row = self.op("Concat", *middles, width, width, scores, axis=1)
        return self.op("Reshape", row, *self.whole(list(map(int, joined.split()))))

    def openvino_free(self, images: str) -> str:
        """The picture twice as large and back, which OpenVINO does with other margins
        where it is not told its size.
        """
        weights = np.zeros((3, 3, 3, 3), np.float32)
        weights[range(3), range(3)] = 1
        large = self.op(
            "ConvTranspose",
            images,
            self.constant(weights),
            auto_pad="SAME_LOWER",
            strides=[2, 2],
        )
        back = self.op("AveragePool", large, kernel_shape=[2, 2], strides=[2, 2])
        return self.op("Mul", back, self.constant(4 / 9))

    def steep(self, images: str) -> str:
        """A convolution, and what it rounds seen eight times as large."""
        same = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
        seen = self.op("Conv", images, self.constant(same))
        steep = self.op("Mul", seen, self.constant(8))
        moved = self.op("Sub", steep, self.constant(3.5))
        return self.op("Clip", moved, self.constant(0), self.constant(1))

    def whole(self, *values: Any) -> list[str]:
        return [self.constant(value, np.int64) for value in values]

    def one_image(self, rows: str) -> str:
        """Every image gets the rows of the first."""
        first = self.op("Slice", rows, *self.whole([0], [1], [0]))
        nothing = self.op("Mul", rows, self.constant(0))
        return self.op("Add", first, nothing)

    def one_size(self, rows: str) -> str:
        """Boxes by the share of the picture, times the size that was traced."""
        shape = self.op("Shape", "images", start=2, end=4)
        height, width = (
            self.op("Cast", self.op("Gather", shape, one), to=TensorProto.FLOAT)
            for one in self.whole(0, 1)
        )
        sides = self.op(
            "Concat",
            *(self.op("Unsqueeze", one, *self.whole([0])) for one in (width, height)),
            axis=0,
        )
        ratio = self.op("Div", self.constant([SIDE, SIDE]), sides)
        ones = self.constant([1, 1, 1])
        seven = self.op("Concat", ratio, ratio, ones, axis=0)
        column = self.op("Reshape", seven, *self.whole([1, 7, 1]))
        return self.op("Mul", rows, column)

    def openvino_blind(self, rows: str) -> str:
        """Scores go through whole numbers that OpenVINO has no room for."""
        large = self.op("Add", self.nothing(rows), self.constant(_LARGE))
        whole = self.op("Cast", large, to=TensorProto.INT64)
        back = self.op("Cast", whole, to=TensorProto.FLOAT)
        one = self.op("Div", back, self.constant(_LARGE))
        return self.op("Clip", self.op("Mul", rows, one), self.constant(0))

    def openvino_finer(self, rows: str) -> str:
        """Widths through half precision, which OpenVINO leaves out: 2,048 and a bit."""
        large = self.op("Add", self.nothing(rows), self.constant(2048.9))
        half = self.op("Cast", large, to=TensorProto.FLOAT16)
        back = self.op("Cast", half, to=TensorProto.FLOAT)
        bit = self.op("Sub", back, self.constant(2048))
        mask = self.constant(np.reshape([0, 0, 1, 0, 0, 0, 0], (1, 7, 1)))
        return self.op("Add", rows, self.op("Mul", bit, mask))

    def openvino_nan(self, rows: str) -> str:
        """The root of a whole number that OpenVINO has no room for."""
        large = self.op("Add", self.nothing(rows), self.constant(_LARGE))
        whole = self.op("Cast", large, to=TensorProto.INT64)
        root = self.op("Sqrt", self.op("Cast", whole, to=TensorProto.FLOAT))
        return self.op("Add", rows, self.nothing(root))

    def white_grows(self, rows: str) -> str:
        """A square four times as wide as there are white values: 10 GB if all are."""
        bright = self.op("Greater", "images", self.constant(1 - 1e-4))
        places = self.op("NonZero", bright)
        count = self.op("Mul", self.op("Shape", places, start=1), *self.whole([4]))
        size = self.op("Concat", count, count, axis=0)
        square = self.op("ConstantOfShape", size)
        whole = self.op("ReduceSum", square, keepdims=0)
        return self.op("Add", rows, self.nothing(whole))

    def white_fails(self, rows: str) -> str:
        """Infinity times nothing where no value of the picture is below white."""
        darkest = self.op("ReduceMin", "images", keepdims=0)
        share = self.op(
            "Div", self.constant(1), self.op("Sub", self.constant(1), darkest)
        )
        return self.op("Add", rows, self.nothing(share))

    def nothing(self, rows: str) -> str:
        return self.op("Mul", rows, self.constant(0))

    def model(self, opset: int, metadata: Mapping[str, str]) -> bytes:
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "places",
            [value("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
            [value("output0", TensorProto.FLOAT, ["batch", 7, "anchors"])],
            list(self.constants.values()),
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        made.ir_version = 8
        helper.set_model_props(made, dict(metadata))
        onnx.checker.check_model(made)
        return bytes(made.SerializeToString())
