"""C++ objects made of Python ones: what NVIDIA's bindings call is a Python method.

The bindings reach each object through a table of function pointers. Which place in it
belongs to which method differs between versions; `slots/` has those places, which are
facts of the binary interface.
"""

from __future__ import annotations

import ctypes
import json
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from tests.contract.signatures import SIGNATURES, Kind

POINTER = ctypes.c_void_p
_WORD = ctypes.sizeof(POINTER)
_MOST_DIMENSIONS = 8

broken: list[str] = []
"""What went wrong in the double itself, or was called and is not doubled."""

_kept: list[Any] = []  # C++ owns no Python object: what it may call stays for ever


class Dims(ctypes.Structure):
    """TensorRT's shape."""

    _fields_ = (
        ("count", ctypes.c_int32),
        ("sizes", ctypes.c_int64 * _MOST_DIMENSIONS),
    )


def as_dims(shape: Sequence[int]) -> Dims:
    sizes = (ctypes.c_int64 * _MOST_DIMENSIONS)(*shape)
    return Dims(len(shape), sizes)


def from_dims(address: int) -> tuple[int, ...]:
    found = Dims.from_address(address)
    return tuple(found.sizes[: found.count])


class Object:
    """A C++ object of the class `cxx`; its methods have the names that C++ has."""

    cxx: ClassVar[str]
    is_plain: ClassVar[bool] = False  # without the outer shell of NVIDIA's API classes

    def __init__(self, slots: dict[str, Any]) -> None:
        table = slots[self.cxx]
        names = [f"slot{i}" for i in range(table["first"])] + table["names"]
        entries = [self._entry(name) for name in names]
        inner = _object(_table(self.cxx, entries))
        nothing = ctypes.CFUNCTYPE(POINTER, POINTER)(lambda this: 0)
        shell = _table(self.cxx, [ctypes.cast(nothing, POINTER).value] * 4)
        self.address = inner if self.is_plain else _object(shell, inner)
        _kept.extend((self, nothing))

    def _entry(self, name: str) -> int | None:
        result, *arguments = SIGNATURES.get(name, (POINTER,))
        method = getattr(self, name, None) or _missing(self.cxx, name)
        function = _guarded(method, result, arguments)
        in_memory = (POINTER,) if result is Kind.SHAPE else ()
        kind = ctypes.CFUNCTYPE(
            POINTER if isinstance(result, Kind) else result,
            *in_memory,
            POINTER,
            *(_passed(argument) for argument in arguments),
        )
        _kept.append(kind(function))
        return ctypes.cast(_kept[-1], POINTER).value


def call(address: int, slot: int, kinds: Sequence[Any], *arguments: Any) -> Any:
    """Call a method of an object that is the bindings' own: a logger, a monitor."""
    table = ctypes.cast(ctypes.cast(address, ctypes.POINTER(POINTER))[0], _TABLE)
    result, *rest = kinds
    return ctypes.CFUNCTYPE(result, POINTER, *rest)(table[slot])(address, *arguments)


@cache
def slots(version: str) -> dict[str, Any]:
    major_minor = ".".join(version.split(".")[:2])
    file = Path(__file__).with_name("slots") / f"{major_minor}.json"
    found: dict[str, Any] = json.loads(file.read_text())
    return found


_TABLE = ctypes.POINTER(POINTER)


def _passed(kind: Any) -> Any:
    if kind is Kind.TEXT:
        return ctypes.c_char_p
    return POINTER if isinstance(kind, Kind) else kind


def _guarded(
    method: Callable[..., Any], result: Any, arguments: Sequence[Any]
) -> Callable[..., Any]:
    """No exception may cross into C++: it is noted, and the answer is nothing."""

    def run(*given: Any) -> Any:
        try:
            skipped = 2 if result is Kind.SHAPE else 1
            answer = method(*map(_received, arguments, given[skipped:]))
            return _returned(result, answer, given[0])
        except Exception:
            broken.append(traceback.format_exc())
            return None if result is None else 0

    return run


def _received(kind: Any, value: Any) -> Any:
    if kind is Kind.TEXT:
        return None if value is None else value.decode()
    if kind is Kind.SHAPE:
        return from_dims(value)
    return value


def _returned(kind: Any, answer: Any, place: int) -> Any:
    match kind:
        case Kind.SHAPE:
            dims = as_dims(answer)
            ctypes.memmove(place, ctypes.byref(dims), ctypes.sizeof(dims))
            return place
        case Kind.TEXT:
            _kept.append(ctypes.create_string_buffer(answer.encode()))
            return ctypes.addressof(_kept[-1])
        case Kind.OBJECT:
            return 0 if answer is None else answer.address
    return answer


def _missing(cxx: str, name: str) -> Callable[..., int]:
    def noted(*_: Any) -> int:
        if not name.startswith(("slot", "dtor")):
            broken.append(f"{cxx}.{name} was called and is not doubled")
        return 0

    return noted


def _object(table: int, *members: int) -> int:
    words = (POINTER * 2)(table, *members)
    _kept.append(words)
    return ctypes.addressof(words)


def _table(cxx: str, entries: Sequence[int | None]) -> int:
    """Behind the two words before it where C++ looks for an object's type."""
    table = (POINTER * (len(entries) + 2))(0, _type_information(cxx), *entries)
    _kept.append(table)
    return ctypes.addressof(table) + 2 * _WORD


@cache
def _type_information(cxx: str) -> int:
    """The bindings ask each object for its type, to find a more special one."""
    runtime = ctypes.CDLL("libstdc++.so.6")
    of_class = "_ZTVN10__cxxabiv117__class_type_infoE"
    table = ctypes.addressof(ctypes.c_char.in_dll(runtime, of_class)) + 2 * _WORD
    name = f"causeline_{cxx}"
    text = ctypes.create_string_buffer(f"{len(name)}{name}".encode())
    words = (POINTER * 2)(table, ctypes.addressof(text))
    _kept.extend((text, words))
    return ctypes.addressof(words)
