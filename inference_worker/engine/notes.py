"""What a model file of ours says of itself, for whoever imports it without its folder.

The manifest decides; the notes keep what it said of the input and of scores.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from inference_worker.engine.preprocess import LETTERBOX

SCHEMA_NOTE, INPUT_NOTE = "causeline_schema", "causeline_input"
MARKS_NOTE = "causeline_marks"
MARKS = ("threshold_ppm", "nms_iou_ppm")


def notes_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """`raw` is a manifest's content; `files` need not be in it."""
    told = {"fit": LETTERBOX, **raw["input"], "stride": raw["stride"]}
    marks = {key: raw[key] for key in MARKS}
    pairs = ((INPUT_NOTE, told), (MARKS_NOTE, marks))
    return {key: json.dumps(one, sort_keys=True) for key, one in pairs}


def noted(model: bytes, notes: Mapping[str, str]) -> bytes:
    """With notes more: protobuf reads what is appended as if it had stood there."""
    import onnx

    entries = [onnx.StringStringEntryProto(key=k, value=v) for k, v in notes.items()]
    more = onnx.ModelProto(metadata_props=entries)
    return model + bytes(more.SerializeToString())
