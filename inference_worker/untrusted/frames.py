"""What crosses the pipe: one line of JSON, then bytes that it describes.

Where more than one goes each way, its length stands before it. Both ends check what
they get; arrays cross as they lie in memory, so that nothing has to be unpacked,
unpickled or inflated.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = frozenset(
    ["bool", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
LENGTH = 8
"""Bytes of the number before each, the highest first."""

_RANK = 16

Arrays = Mapping[str, NDArray[Any]]


class FrameError(ValueError):
    """What came is not what this page describes."""


def header(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def split(answer: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header and what follows it. Raises FrameError."""
    end = answer.find(b"\n")
    try:
        content = json.loads(answer[: max(end, 0)])
    except (ValueError, RecursionError) as error:
        raise FrameError(f"no header: {error}") from error
    if not isinstance(content, dict):
        raise FrameError("no header")
    return content, memoryview(answer)[end + 1 :]


def packet(parts: Sequence[bytes]) -> list[bytes]:
    """The parts behind their length."""
    return [sum(map(len, parts)).to_bytes(LENGTH, "big"), *parts]


def is_whole(received: bytes | bytearray) -> bool:
    """A packet, all of it."""
    return len(received) >= LENGTH + int.from_bytes(received[:LENGTH], "big")


def outputs(arrays: Arrays) -> list[bytes]:
    """The answer of whoever was asked for arrays."""
    return [header({"outputs": describe(arrays)}), *blobs(arrays)]


def describe(arrays: Arrays) -> list[dict[str, Any]]:
    """Names, types and shapes, in the order of `blobs`."""
    return [
        {"name": name, "dtype": str(array.dtype), "shape": list(array.shape)}
        for name, array in arrays.items()
    ]


def blobs(arrays: Arrays) -> list[bytes]:
    return [array.tobytes() for array in arrays.values()]


def arrays_of(entries: object, rest: memoryview) -> dict[str, NDArray[Any]]:
    """The arrays, read-only, without a copy. Raises FrameError unless the bytes are
    exactly those that `entries` describe.
    """
    if not isinstance(entries, list):
        raise FrameError("no list of arrays")
    found, at = {}, 0
    for entry in entries:
        name, dtype, shape = _entry(entry)
        size = math.prod(shape) * dtype.itemsize
        if at + size > len(rest):
            raise FrameError(f"{name} is cut short")
        found[name] = _shaped(np.frombuffer(rest[at : at + size], dtype), name, shape)
        at += size
    if at != len(rest) or len(found) != len(entries):
        raise FrameError("more bytes than arrays")
    return found


def _shaped(values: NDArray[Any], name: str, shape: Sequence[int]) -> NDArray[Any]:
    """An array without elements may still have dimensions that none can have."""
    try:
        return values.reshape(shape)
    except ValueError as error:
        raise FrameError(f"{name}: {error}") from error


def _entry(entry: object) -> tuple[str, np.dtype[Any], Sequence[int]]:
    match entry:
        case {"name": str(name), "dtype": str(dtype), "shape": list(shape)}:
            sizes = [n for n in shape if type(n) is int and n >= 0]
            if dtype in DTYPES and len(sizes) == len(shape) <= _RANK:
                return name, np.dtype(dtype), sizes
    raise FrameError("an array that is not described")
