"""The head of a serialised engine: it names its TensorRT before it runs as code."""

from __future__ import annotations

from inference_worker.engine.errors import PlanWrong

_HEAD = b"ftrt" + bytes(4)
"""The mark of a plan, and the version of its serialisation."""

_VERSION_AT = 24
"""Major, minor, patch and build of its TensorRT, a byte each."""


def version_of(plan: bytes) -> str:
    """The TensorRT that wrote it. Raises PlanWrong for what is no plan.

    Deserialising runs what is in it, so nothing else may look at these bytes first
    but the check of their signature.
    """
    told = plan[_VERSION_AT : _VERSION_AT + 4]
    if plan[: len(_HEAD)] != _HEAD or len(told) < 4:
        raise PlanWrong("this is no TensorRT engine: it does not begin as one")
    return ".".join(map(str, told))
