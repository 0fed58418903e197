"""The head of a serialised engine: it names its TensorRT before it runs as code."""

from __future__ import annotations

import struct

from inference_worker.engine.errors import OtherTensorRT, PlanWrong

MAGIC = b"ftrt"
_LEAST = 32
_SERIALISATION, _SERIALISATION_AT, _VERSION_AT = 0, 4, 24


def check_plan(plan: bytes, version: str) -> None:
    """Raises PlanWrong for what is no plan, OtherTensorRT for another version's.

    Deserialising runs what is in it, so nothing else may look at these bytes first
    but the check of their signature.
    """
    if len(plan) < _LEAST or plan[: len(MAGIC)] != MAGIC:
        raise PlanWrong("this is no TensorRT engine: its first bytes are others")
    (serialisation,) = struct.unpack_from("<I", plan, _SERIALISATION_AT)
    if serialisation != _SERIALISATION:
        raise PlanWrong(f"its serialisation {serialisation} is unknown")
    told = plan[_VERSION_AT : _VERSION_AT + 4]
    if told != bytes(int(part) & 0xFF for part in version.split(".")[:4]):
        by = ".".join(map(str, told))
        raise OtherTensorRT(f"built by TensorRT {by}; here is {version}")
