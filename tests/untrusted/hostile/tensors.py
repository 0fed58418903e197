"""Files whose tensors are not what they declare, or declare too much."""

from __future__ import annotations

from inference_worker.untrusted.errors import Reason
from tests.untrusted.models import Files, declared, node, of, value, with_tensor


def _shaped(*shape: int) -> bytes:
    return of(node("Relu", "images", "preds"), inputs=[value("images", shape)])


FILES: Files = {
    "two-gigabytes-declared": (
        Reason.TENSOR_TOO_LARGE,
        lambda: with_tensor(declared([2**14, 2**15])),
    ),
    "one-gigabyte-declared": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([2**14, 2**14])),
    ),
    "raw-data-short": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([8, 3, 3, 3], bytes(863))),
    ),
    "raw-data-long": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([8, 3, 3, 3], bytes(865))),
    ),
    "data-in-two-fields": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([1], bytes(4), float_data=[1.0])),
    ),
    "data-in-wrong-field": (
        Reason.TENSOR_DATA,
        lambda: with_tensor(declared([1], None, int64_data=[1])),
    ),
    "data-missing": (Reason.TENSOR_DATA, lambda: with_tensor(declared([1], None))),
    "dimension-negative": (
        Reason.DIMENSION,
        lambda: with_tensor(declared([-1, -4], bytes(16))),
    ),
    "dimensions-overflow": (
        Reason.DIMENSION,
        lambda: with_tensor(declared([2**62, 4, 4], bytes(16))),
    ),
    "product-overflows": (
        Reason.TENSOR_TOO_LARGE,
        lambda: with_tensor(declared([2**16] * 4)),
    ),
    "dimensions-1,000": (Reason.DIMENSION, lambda: with_tensor(declared([1] * 1_000))),
    "input-negative": (Reason.DIMENSION, lambda: _shaped(-1, 3, 32, 32)),
    "input-endless": (Reason.DIMENSION, lambda: _shaped(1, 3, 2**62, 2**62)),
    "input-huge": (Reason.TENSOR_TOO_LARGE, lambda: _shaped(1, 3, 2**20, 2**20)),
    "nothing-of-something-huge": (
        Reason.DIMENSION,
        lambda: with_tensor(declared([0, 2**62])),
    ),
}
