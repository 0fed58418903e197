"""What all manifests have in common: canonical JSON, checked fields, pinned files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from inference_worker.engine.errors import ManifestError

SCHEMA = 1
"""Of versions' manifests and of engines'."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Model, version and file names: they become paths, so nothing else is allowed."""

NAMING = "a-z and 0-9, after the first also '.', '_' and '-', 64 characters at most"
"""The same for people."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""A moment in UTC; as text these sort as they follow each other."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FilePin:
    sha256: str
    size: int


def canonical(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON: equal objects give equal bytes.

    ManifestError for what JSON would write in more than one way: a float, a key
    that is not a string, half of a surrogate pair.
    """
    _refuse_inexact(value, "")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        refuse("text", "holds half of a surrogate pair")


def read_json(data: bytes) -> dict[str, Any]:
    """An object that canonical JSON could hold. Raises ManifestError."""
    try:
        raw = json.loads(
            data.decode(),
            object_pairs_hook=_distinct,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
        canonical({"": raw})
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"manifest: not JSON: {error}") from error
    if not isinstance(raw, dict):
        refuse("manifest", "expected a JSON object")
    return raw


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        refuse(pairs[0][0], "an object names the same field twice")
    return fields


def _no_float(text: str) -> NoReturn:
    refuse(text, "floats are not allowed; write ratios as integers (…_ppm, …_e4)")


def _refuse_inexact(value: object, path: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                refuse(path or "manifest", f"key {key!r} is not a string")
            _refuse_inexact(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _refuse_inexact(item, f"{path}[{i}]")
    elif not isinstance(value, str | int | None):
        refuse(path, f"{type(value).__name__} is not allowed; use an integer")


def pin(content: bytes) -> dict[str, Any]:
    """What a manifest says of a file with this content."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def check_fields(
    raw: Mapping[str, Any],
    fields: Mapping[str, Any],
    prefix: str,
    optional: Mapping[str, Any] | None = None,
) -> None:
    """Each of `fields` is there, of its type, and nothing else but `optional` ones."""
    known = {**fields, **(optional or {})}
    for name in fields:
        if name not in raw:
            refuse(prefix + name, "is missing")
    for name, value in raw.items():
        if name not in known:
            refuse(prefix + name, f"is unknown in schema {SCHEMA}")
        if not isinstance(value, known[name]) or isinstance(value, bool):
            refuse(prefix + name, f"cannot be a {type(value).__name__}")


def check_pin(name: str, pin: object) -> None:
    """The name of a file and what a manifest says of it."""
    field = f"files.{name}"
    require(bool(NAME.fullmatch(name)), field, "must be a plain file name")
    require(not name.startswith("manifest."), field, "may not be pinned by itself")
    if not isinstance(pin, dict):
        refuse(field, "must be an object")
    check_fields(pin, {"sha256": str, "size": int}, field + ".")
    require(bool(_SHA256.fullmatch(pin["sha256"])), field, "sha256: want 64 hex digits")
    require(pin["size"] > 0, field, "size: must be positive")


def require(holds: bool, field: str, otherwise: str) -> None:
    if not holds:
        refuse(field, otherwise)


def refuse(field: str, why: str) -> NoReturn:
    raise ManifestError(f"manifest: {field}: {why}")
