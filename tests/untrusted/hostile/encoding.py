"""Files that are no ONNX, damaged, or of versions that nobody reads."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile

import numpy as np
from onnx import ModelProto, helper

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import GOOD, Files, field, good, spoilt, varint


def _pytorch() -> bytes:
    """What torch.save writes: a zip with a pickle in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weights": [1.0] * 100}))
    return out.getvalue()


def _nested(levels: int) -> bytes:
    """Graph in node in graph ..., written from the inside: no library builds it."""
    inner = b""
    for _ in range(levels):
        attribute = field(1, b"body") + field(6, inner) + varint(20 << 3) + varint(5)
        inner = field(1, field(4, b"Loop") + field(5, attribute))
    return b"\x08\x08" + field(7, inner) + field(8, b"\x10\x11")


def _imports(*versions: int) -> bytes:
    made = good()
    del made.opset_import[:]
    made.opset_import.extend(helper.make_opsetid("", version) for version in versions)
    return made.SerializeToString()


def _second_graph() -> bytes:
    return GOOD + field(ModelProto.GRAPH_FIELD_NUMBER, b"")


FILES: Files = {
    "truncated": (Reason.MALFORMED, lambda: GOOD[: len(GOOD) // 2]),
    "truncated-by-one": (Reason.MALFORMED, lambda: GOOD[:-1]),
    "random": (Reason.MALFORMED, lambda: np.random.default_rng(2).bytes(10_000)),
    "text": (Reason.MALFORMED, lambda: b"This is not a model.\n" * 9),
    "zeros": (Reason.MALFORMED, lambda: bytes(1_000_000)),
    "gzip": (Reason.MALFORMED, lambda: gzip.compress(GOOD)),
    "pickle": (Reason.MALFORMED, lambda: pickle.dumps({"weights": [1.0] * 100})),
    "pytorch": (Reason.MALFORMED, _pytorch),
    "wrong-wire-type": (Reason.MALFORMED, lambda: b"\x08\x08" + b"\x38\x01"),
    "no-graph": (Reason.MALFORMED, lambda: b"\x08\x08"),
    "second-graph": (Reason.MALFORMED, _second_graph),
    "name-is-not-text": (
        Reason.MALFORMED,
        lambda: GOOD.replace(b"hidden", b"\xff\xfe\xfdden"),
    ),
    "trailing-data": (Reason.UNKNOWN_FIELDS, lambda: GOOD + field(200, b"x" * 99)),
    "unknown-field-inside": (
        Reason.UNKNOWN_FIELDS,
        lambda: GOOD + field(14, field(77, b"x")),
    ),
    "nested-2,000": (Reason.MALFORMED, lambda: _nested(2_000)),
    "nested-20": (Reason.OPERATOR_NOT_ALLOWED, lambda: _nested(20)),
    "ir-9999": (Reason.IR_VERSION, lambda: spoilt(ir_version=9999)),
    "ir-0": (Reason.IR_VERSION, lambda: spoilt(ir_version=0)),
    "opset-5": (Reason.OPSET_VERSION, lambda: _imports(5)),
    "opset-9999": (Reason.OPSET_VERSION, lambda: _imports(9999)),
    "opset-negative": (Reason.OPSET_VERSION, lambda: _imports(-(2**63))),
    "opset-twice": (Reason.OPSET_VERSION, lambda: _imports(17, 11)),
    "opset-none": (Reason.OPSET_VERSION, _imports),
    "zip-bomb": (Reason.MALFORMED, lambda: gzip.compress(bytes(10**8))),
    "number-without-end": (Reason.MALFORMED, lambda: b"\x08" + b"\xff" * 99),
    "length-beyond-the-end": (Reason.MALFORMED, lambda: b"\x3a" + varint(2**63)),
    "group": (Reason.MALFORMED, lambda: b"\x08\x08\x3b\x3c"),
}
