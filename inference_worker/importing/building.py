"""A foreign graph is parsed, brought up to date and rebuilt here: in the child only.

Requests and answers are those of apart.py.
"""

from __future__ import annotations

from typing import Any

import onnx
import onnx.version_converter

from inference_worker.engine.visible import first_line
from inference_worker.importing.convert import convert
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.families import FAMILIES
from inference_worker.importing.family import Trial
from inference_worker.importing.layout import Layout
from inference_worker.importing.signature import Signature
from inference_worker.untrusted import frames


def upgrade(request: dict[str, Any], payload: memoryview) -> list[bytes]:
    """The model `payload` in the opset `request["opset"]`."""
    model = onnx.ModelProto.FromString(payload)
    try:
        made = onnx.version_converter.convert_version(model, request["opset"])
    except MemoryError:
        raise
    # Its adapters raise whatever they run into.
    except Exception as error:
        return _impossible(error)
    made.doc_string = model.doc_string
    return _given(made.SerializeToString())


def build(request: dict[str, Any], payload: memoryview) -> list[bytes]:
    """The model at the beginning of `payload`, with its decoding built in."""
    size = request["model"]
    trial = Trial(
        Signature.from_json(request["signature"]),
        frames.arrays_of(request["outputs"], payload[size:]),
        (request["canvas"][0], request["canvas"][1]),
    )
    model = onnx.ModelProto.FromString(payload[:size])
    layout, kept = Layout.from_json(request["layout"]), request["kept"]
    try:
        made = convert(
            model, FAMILIES[request["family"]], trial, kept, layout, request["notes"]
        )
    except ImportRefused as error:
        return _impossible(error)
    return _given(made)


def _given(model: bytes) -> list[bytes]:
    return [frames.header({}), model]


def _impossible(error: Exception) -> list[bytes]:
    return [frames.header({"impossible": first_line(error)})]
