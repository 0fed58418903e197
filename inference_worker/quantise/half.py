"""FP16 in the graph itself: a strongly typed engine computes in what the file says.

ONNX Runtime's converter casts a tensor once for every node that is kept in float32 and
gives the casts one name, so graphs like ours come out invalid (1.31).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from inference_worker.engine.backends.openvino_int8 import DEQUANTISE, QUANTISE
from inference_worker.quantise.errors import QuantisationError
from inference_worker.quantise.graph import (
    before,
    last_convolutions,
    with_initialisers,
)
from inference_worker.quantise.rules import faults

_FLOAT, _HALF = TensorProto.FLOAT, TensorProto.FLOAT16
_OPSET = 19  # from which scales may be float16
_STAY_FLOAT = {"Resize": (1, 2)}  # inputs that the operator has in float32 only
_SUMS = {
    *("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2"),
    *("ReduceLogSum", "ReduceLogSumExp", "GlobalAveragePool", "GlobalLpPool"),
    *("CumSum", "ReduceProd"),
}


def in_half(model: ModelProto) -> ModelProto:
    """The model computing its features in float16, quantised or not.

    Inputs, outputs and all that turns features into boxes stay float32: float16 knows
    places beyond 512 pixels by halves of a pixel only. So does a mean over a plane: it
    is summed first, and a sum beyond 65504 is infinite. Raises QuantisationError for
    weights that float16 cannot hold, an opset below 19 where there are scales, or a
    result that breaks the rules of `rules.py`.
    """
    quantised = any(n.op_type in (QUANTISE, DEQUANTISE) for n in model.graph.node)
    opset = max((o.version for o in model.opset_import if not o.domain), default=0)
    if quantised and opset < _OPSET:
        raise QuantisationError(f"opset {opset} has no float16 scales; want {_OPSET}")
    half = _Halving.of(with_initialisers(model)).done()
    onnx.checker.check_model(half, full_check=True)
    broken = faults(half) if quantised else []
    if broken:
        raise QuantisationError(f"the graph in float16 is not sound: {broken[0]}")
    return half


@dataclass
class _Halving:
    """`features` are the indices of nodes that go to float16, `floats` all float32
    tensors of the model, `halved` those that exist in float16 now.
    """

    model: ModelProto
    features: set[int]
    floats: set[str]
    halved: set[str] = field(default_factory=set)
    cast: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, model: ModelProto) -> _Halving:
        graph = onnx.shape_inference.infer_shapes(model).graph
        typed = (*graph.value_info, *graph.input, *graph.output)
        floats = {o.name for o in typed if o.type.tensor_type.elem_type == _FLOAT}
        floats |= {o.name for o in graph.initializer if o.data_type == _FLOAT}
        features = {
            index
            for index in before(graph, last_convolutions(graph))
            if graph.node[index].op_type not in _SUMS
        }
        return cls(model, features, floats)

    def done(self) -> ModelProto:
        graph = self.model.graph
        nodes = [
            one
            for i, node in enumerate(graph.node)
            for one in (self._to_half(node) if i in self.features else self._kept(node))
        ]
        del graph.node[:]
        graph.node.extend(nodes)
        used = {name for node in nodes for name in node.input}
        kept = [one for one in graph.initializer if one.name in used]
        del graph.initializer[:]
        graph.initializer.extend(kept)
        graph.ClearField("value_info")
        return self.model

    def _to_half(self, node: NodeProto) -> Iterator[NodeProto]:
        stay = _STAY_FLOAT.get(node.op_type, ())
        for place, name in enumerate(node.input):
            if name not in self.floats or name in self.halved or place in stay:
                continue
            node.input[place] = f"{name}_half"
            if node.input[place] not in self.cast:
                self.cast.add(node.input[place])
                yield from self._as_half(name)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                attribute.i = _HALF if attribute.i == _FLOAT else attribute.i
            if node.op_type == "ConstantOfShape" and attribute.t.data_type == _FLOAT:
                attribute.t.CopyFrom(_halved(attribute.t))
        self.halved |= self.floats & set(node.output)
        yield node

    def _as_half(self, name: str) -> Iterator[NodeProto]:
        """A constant is stored in float16, anything else is cast."""
        for one in self.model.graph.initializer:
            if one.name == name:
                half = _halved(one)
                half.name = f"{name}_half"
                self.model.graph.initializer.append(half)
                return
        yield helper.make_node(
            "Cast", [name], [f"{name}_half"], f"{name}_half", to=_HALF
        )

    def _kept(self, node: NodeProto) -> Iterator[NodeProto]:
        for place, name in enumerate(node.input):
            if name not in self.halved:
                continue
            node.input[place] = f"{name}_float"
            if node.input[place] not in self.cast:
                self.cast.add(node.input[place])
                into = f"{name}_float"
                yield helper.make_node("Cast", [name], [into], into, to=_FLOAT)
        yield node


def _halved(tensor: TensorProto) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    if np.abs(values).max(initial=0.0) > np.finfo(np.float16).max:
        raise QuantisationError(f"{tensor.name}: float16 cannot hold its values")
    return numpy_helper.from_array(values.astype(np.float16), tensor.name)
