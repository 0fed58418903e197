"""What the child said of a model, checked before anybody believes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from numpy.typing import NDArray

from inference_worker.untrusted.errors import ModelRefused, Reason, SandboxUnavailable
from inference_worker.untrusted.frames import (
    DTYPES,
    FrameError,
    arrays_of,
    split,
)
from inference_worker.untrusted.licence import licence_entries

T = TypeVar("T")

_LONGEST_MESSAGE = 500
_DTYPES = DTYPES | {"bfloat16"}


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output. `shape` has a size, a symbol or None for each dimension;
    `dtype` is numpy's name, or bfloat16.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model file that breaks no rule, and what it says of itself.

    `model` are the bytes that were checked: use them, never the file again. All else
    was written by strangers: to show, not to obey. `parameters` counts the elements
    of the initialisers.
    """

    model: bytes = field(repr=False)
    sha256: str
    ir_version: int
    opsets: Mapping[str, int]
    producer: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    metadata: Mapping[str, str]
    doc_string: str
    operators: Mapping[str, int]
    initialisers: int
    parameters: int
    initialiser_bytes: int

    @property
    def licences(self) -> Mapping[str, str]:
        """All that it says of its licence, in its metadata or its `doc_string`, by
        where it says it; the most telling first.
        """
        return licence_entries({**self.metadata, "doc_string": self.doc_string})

    @property
    def licence(self) -> str | None:
        """The first of it; None where it says nothing."""
        return next(iter(self.licences.values()), None)


def facts_of(answer: bytes, model: bytes) -> Inspection:
    """Raises ModelRefused: what the child found, or answer_invalid."""
    told = accepted(answer)[0].get("facts")
    if not isinstance(told, dict):
        _invalid("no facts")
    return Inspection(
        model=model,
        sha256=hashlib.sha256(model).hexdigest(),
        ir_version=_whole(told.get("ir_version")),
        opsets=_map(told.get("opsets"), _whole),
        producer=_text(told.get("producer")),
        inputs=_values(told.get("inputs")),
        outputs=_values(told.get("outputs")),
        metadata=_map(told.get("metadata"), _text),
        doc_string=_text(told.get("doc_string")),
        operators=_map(told.get("operators"), _whole),
        initialisers=_whole(told.get("initialisers")),
        parameters=_whole(told.get("parameters")),
        initialiser_bytes=_whole(told.get("initialiser_bytes")),
    )


def accepted(answer: bytes) -> tuple[dict[str, Any], memoryview]:
    """The header and the rest of an answer that is no refusal; ModelRefused else, or
    SandboxUnavailable where the child could not be bounded.
    """
    try:
        told, rest = split(answer)
    except FrameError as error:
        _invalid(str(error))
    if "unavailable" in told:
        raise SandboxUnavailable(_text(told["unavailable"])[:_LONGEST_MESSAGE])
    if "refused" not in told:
        return told, rest
    try:
        reason = Reason(_text(told["refused"]))
    except ValueError:
        _invalid("an unknown reason")
    message, hint = _text(told.get("message")), _text(told.get("hint", ""))
    raise ModelRefused(reason, message[:_LONGEST_MESSAGE], hint[:_LONGEST_MESSAGE])


def outputs_of(answer: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an answer that is no refusal, read-only; ModelRefused else."""
    told, rest = accepted(answer)
    try:
        return arrays_of(told.get("outputs"), rest)
    except FrameError as error:
        _invalid(str(error))


def _invalid(what: str) -> NoReturn:
    text = f"the process that looked into it gave no usable answer: {what[:80]}"
    raise ModelRefused(Reason.ANSWER_INVALID, text)


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        _invalid("no number")
    return value


def _text(value: object) -> str:
    """Text that can be written: JSON has escapes for halves of characters."""
    if not isinstance(value, str) or any("\ud800" <= c <= "\udfff" for c in value):
        _invalid("no text")
    return value


def _map(value: object, one: Callable[[object], T]) -> Mapping[str, T]:
    if not isinstance(value, dict):
        _invalid("no table")
    return MappingProxyType({_text(key): one(item) for key, item in value.items()})


def _values(value: object) -> tuple[Value, ...]:
    if not isinstance(value, list) or not value:
        _invalid("no inputs or outputs")
    return tuple(_value(one) for one in value)


def _value(value: object) -> Value:
    match value:
        case {"name": str(name), "dtype": str(dtype), "shape": list(shape)}:
            if dtype in _DTYPES and name:
                return Value(_text(name), dtype, tuple(map(_size, shape)))
    _invalid("a value that is not described")


def _size(value: object) -> int | str | None:
    if value is None:
        return None
    return _text(value) if isinstance(value, str) else _whole(value)
