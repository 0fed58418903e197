"""The manifest of a model version: what it is, and the SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from inference_worker.engine.errors import ManifestError
from inference_worker.engine.preprocess import FITS, LETTERBOX, STRETCHED

SCHEMA = 1
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Model, version and file names: they become paths, so nothing else is allowed."""

NAMING = "a-z and 0-9, after the first also '.', '_' and '-', 64 characters at most"
"""The same for people."""

MAX_CLASS_NAME = 100
"""What the database keeps of a defect's class."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CREATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MILLION = 1_000_000

_FIELDS = {
    "schema": int,
    "model": str,
    "version": str,
    "classes": list,
    "input": dict,
    "stride": int,
    "threshold_ppm": int,
    "nms_iou_ppm": int,
    "metrics": dict,
    "files": dict,
    "release_seq": int,
    "previous": (dict, type(None)),
    "kid": (str, type(None)),
    "created": str,
}
_INPUT = {"layout": str, "channels": int, "range": list, "sizes": list}
_INPUT_OPTIONAL = {"fit": str, "canvas": list, "batch": int}
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What the graph takes: planar RGB in 0..1, the long side one of `sizes`.

    Six channels are an image and then its template. The rest is optional in the file:
    `fit` is how an image meets its canvas (`preprocess.FITS`), `canvas` the only
    (height, width) that the graph runs at, `batch` 1 where it takes one image a call.
    """

    channels: int
    sizes: tuple[int, ...]
    fit: str = LETTERBOX
    canvas: tuple[int, int] | None = None
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class FilePin:
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was read and found sound; `raw` is all of it, as JSON."""

    model: str
    version: str
    classes: tuple[str, ...]
    input: InputSpec
    stride: int
    threshold: float
    nms_iou: float
    files: Mapping[str, FilePin]
    release_seq: int
    kid: str | None
    raw: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """From a file's bytes; ManifestError says which field is wrong and why."""
        raw = _read_json(data)
        _check_fields(raw, _FIELDS, "")
        if raw["schema"] != SCHEMA:
            _refuse("schema", f"{raw['schema']} is unknown; this program reads 1")
        _check_fields(raw["input"], _INPUT, "input.", _INPUT_OPTIONAL)
        _check_values(raw)
        return cls(
            model=raw["model"],
            version=raw["version"],
            classes=tuple(raw["classes"]),
            input=_input(raw["input"]),
            stride=raw["stride"],
            threshold=raw["threshold_ppm"] / _MILLION,
            nms_iou=raw["nms_iou_ppm"] / _MILLION,
            files={name: FilePin(**pin) for name, pin in raw["files"].items()},
            release_seq=raw["release_seq"],
            kid=raw["kid"],
            raw=raw,
        )

    def canonical(self) -> bytes:
        """The one way to write it: sorted keys, no spaces, UTF-8."""
        return canonical(self.raw)

    def signed_by(self, kid: str) -> Manifest:
        """The same manifest, naming the key of the site that adopts it."""
        return Manifest.parse(canonical({**self.raw, "kid": kid}))


def pin(content: bytes) -> dict[str, Any]:
    """What a manifest says of a file with this content."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def check_class_name(name: str) -> str | None:
    """Why no class may be called that; None for a good name.

    1 to 100 characters that can be seen: it becomes a row, a heading and a file's text.
    """
    if not name or name != name.strip():
        return "is empty" if not name.strip() else "begins or ends with a space"
    if len(name) > MAX_CLASS_NAME:
        return f"has {len(name)} characters; at most {MAX_CLASS_NAME}"
    if not name.isprintable():
        return "holds a character that cannot be seen"
    return None


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
        _refuse("text", "holds half of a surrogate pair")


def _read_json(data: bytes) -> dict[str, Any]:
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
        _refuse("manifest", "expected a JSON object")
    return raw


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        _refuse(pairs[0][0], "an object names the same field twice")
    return fields


def _no_float(text: str) -> NoReturn:
    _refuse(text, "floats are not allowed; write ratios as integers (…_ppm, …_e4)")


def _refuse_inexact(value: object, path: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                _refuse(path or "manifest", f"key {key!r} is not a string")
            _refuse_inexact(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _refuse_inexact(item, f"{path}[{i}]")
    elif not isinstance(value, str | int | None):
        _refuse(path, f"{type(value).__name__} is not allowed; use an integer")


def _input(raw: Mapping[str, Any]) -> InputSpec:
    canvas = raw.get("canvas")
    return InputSpec(
        channels=raw["channels"],
        sizes=tuple(raw["sizes"]),
        fit=raw.get("fit", LETTERBOX),
        canvas=None if canvas is None else (canvas[0], canvas[1]),
        batch=raw.get("batch"),
    )


def _check_fields(
    raw: Mapping[str, Any],
    fields: Mapping[str, Any],
    prefix: str,
    optional: Mapping[str, Any] | None = None,
) -> None:
    known = {**fields, **(optional or {})}
    for name in fields:
        if name not in raw:
            _refuse(prefix + name, "is missing")
    for name, value in raw.items():
        if name not in known:
            _refuse(prefix + name, f"is unknown in schema {SCHEMA}")
        if not isinstance(value, known[name]) or isinstance(value, bool):
            _refuse(prefix + name, f"cannot be a {type(value).__name__}")


def _check_values(raw: Mapping[str, Any]) -> None:
    for name in ("model", "version"):
        _require(bool(NAME.fullmatch(raw[name])), name, f"use {NAMING}")
    _require(bool(_CREATED.fullmatch(raw["created"])), "created", "want 2026-11-22T…Z")
    _require(raw["release_seq"] >= 1, "release_seq", "starts at 1")
    _require(raw["stride"] >= 1, "stride", "must be positive")
    threshold, iou = raw["threshold_ppm"], raw["nms_iou_ppm"]
    _require(
        0 < threshold < _MILLION, "threshold_ppm", "must lie between 0 and 1,000,000"
    )
    # No two boxes overlap by more than all: a million suppresses nothing.
    _require(0 < iou <= _MILLION, "nms_iou_ppm", "must be 1 to 1,000,000")
    _check_classes(raw["classes"])
    _check_input(raw["input"], raw["stride"])
    _require(bool(raw["files"]), "files", "is empty")
    for name, pin in raw["files"].items():
        _check_pin(name, pin)


def _check_classes(classes: list[Any]) -> None:
    named = all(isinstance(name, str) for name in classes)
    _require(named and bool(classes), "classes", "must be a list of names")
    for name in classes:
        why = check_class_name(name)
        _require(why is None, "classes", f"{name!r} {why}")
    _require(len(set(classes)) == len(classes), "classes", "names one twice")


def _check_input(spec: Mapping[str, Any], stride: int) -> None:
    _require(spec["layout"] == "NCHW", "input.layout", "must be NCHW")
    _require(spec["range"] == [0, 1], "input.range", "must be [0, 1]")
    _require(spec["channels"] in (3, 6), "input.channels", "must be 3 or 6")
    sizes = spec["sizes"]
    _require(_pixels(sizes) and bool(sizes), "input.sizes", "must be a list of pixels")
    _require(sizes == sorted(set(sizes)), "input.sizes", "must rise")
    fits = all(size % stride == 0 for size in sizes)
    _require(fits, "input.sizes", f"must be multiples of the stride, {stride}")
    _check_fit(spec)


def _check_fit(spec: Mapping[str, Any]) -> None:
    fit, canvas = spec.get("fit", LETTERBOX), spec.get("canvas")
    _require(fit in FITS, "input.fit", f"must be one of {', '.join(FITS)}")
    _require(spec.get("batch", 1) == 1, "input.batch", "can only be 1")
    if canvas is None:
        _require(fit not in STRETCHED, "input.canvas", f"is needed by the fit {fit}")
        return
    sound = len(canvas) == 2 and _pixels(canvas)
    _require(sound, "input.canvas", "must be height and width in pixels")
    _require([max(canvas)] == spec["sizes"], "input.sizes", "must be the canvas's")


def _pixels(values: list[Any]) -> bool:
    return all(type(value) is int and 0 < value <= _LONGEST for value in values)


def _check_pin(name: str, pin: object) -> None:
    field = f"files.{name}"
    _require(bool(NAME.fullmatch(name)), field, "must be a plain file name")
    _require(not name.startswith("manifest."), field, "may not be pinned by itself")
    if not isinstance(pin, dict):
        _refuse(field, "must be an object")
    _check_fields(pin, {"sha256": str, "size": int}, field + ".")
    _require(
        bool(_SHA256.fullmatch(pin["sha256"])), field, "sha256: want 64 hex digits"
    )
    _require(pin["size"] > 0, field, "size: must be positive")


def _require(holds: bool, field: str, otherwise: str) -> None:
    if not holds:
        _refuse(field, otherwise)


def _refuse(field: str, why: str) -> NoReturn:
    raise ManifestError(f"manifest: {field}: {why}")
