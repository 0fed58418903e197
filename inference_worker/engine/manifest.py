"""The manifest of a model version: what it is, and the SHA-256 of each of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from inference_worker.engine.fields import (
    NAME,
    NAMING,
    SCHEMA,
    TIME,
    FilePin,
    canonical,
    check_fields,
    check_pin,
    pin,
    read_json,
    refuse,
    require,
)
from inference_worker.engine.precision import FLOATS
from inference_worker.engine.preprocess import FITS, LETTERBOX, STRETCHED

# Who writes a version needs these too.
__all__ = [
    "MAX_CLASS_NAME",
    "NAME",
    "NAMING",
    "SCHEMA",
    "InputSpec",
    "Manifest",
    "canonical",
    "check_class_name",
    "pin",
]

MAX_CLASS_NAME = 100
"""What the database keeps of a defect's class."""

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
_OPTIONAL = {"precision": str}
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
class Manifest:
    """A manifest that was read and found sound; `raw` is all of it, as JSON.

    `precision` is what the network is computed in where nobody asks for another; None
    leaves it to the backend.
    """

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
    precision: str | None
    raw: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """From a file's bytes; ManifestError says which field is wrong and why."""
        raw = read_json(data)
        check_fields(raw, _FIELDS, "", _OPTIONAL)
        if raw["schema"] != SCHEMA:
            refuse("schema", f"{raw['schema']} is unknown; this program reads 1")
        check_fields(raw["input"], _INPUT, "input.", _INPUT_OPTIONAL)
        _check_values(raw)
        return cls(
            model=raw["model"],
            version=raw["version"],
            classes=tuple(raw["classes"]),
            input=_input(raw["input"]),
            stride=raw["stride"],
            threshold=raw["threshold_ppm"] / _MILLION,
            nms_iou=raw["nms_iou_ppm"] / _MILLION,
            files={name: FilePin(**pinned) for name, pinned in raw["files"].items()},
            release_seq=raw["release_seq"],
            kid=raw["kid"],
            precision=raw.get("precision"),
            raw=raw,
        )

    def canonical(self) -> bytes:
        """The one way to write it: sorted keys, no spaces, UTF-8."""
        return canonical(self.raw)

    def signed_by(self, kid: str) -> Manifest:
        """The same manifest, naming the key of the site that adopts it."""
        return Manifest.parse(canonical({**self.raw, "kid": kid}))


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


def _input(raw: Mapping[str, Any]) -> InputSpec:
    canvas = raw.get("canvas")
    return InputSpec(
        channels=raw["channels"],
        sizes=tuple(raw["sizes"]),
        fit=raw.get("fit", LETTERBOX),
        canvas=None if canvas is None else (canvas[0], canvas[1]),
        batch=raw.get("batch"),
    )


def _check_values(raw: Mapping[str, Any]) -> None:
    for name in ("model", "version"):
        require(bool(NAME.fullmatch(raw[name])), name, f"use {NAMING}")
    require(bool(TIME.fullmatch(raw["created"])), "created", "want 2026-11-22T…Z")
    require(raw["release_seq"] >= 1, "release_seq", "starts at 1")
    require(raw["stride"] >= 1, "stride", "must be positive")
    threshold, iou = raw["threshold_ppm"], raw["nms_iou_ppm"]
    require(
        0 < threshold < _MILLION, "threshold_ppm", "must lie between 0 and 1,000,000"
    )
    # No two boxes overlap by more than all: a million suppresses nothing.
    require(0 < iou <= _MILLION, "nms_iou_ppm", "must be 1 to 1,000,000")
    precision = raw.get("precision", FLOATS[0])
    require(precision in FLOATS, "precision", f"must be one of {', '.join(FLOATS)}")
    _check_classes(raw["classes"])
    _check_input(raw["input"], raw["stride"])
    require(bool(raw["files"]), "files", "is empty")
    for name, pinned in raw["files"].items():
        check_pin(name, pinned)


def _check_classes(classes: list[Any]) -> None:
    named = all(isinstance(name, str) for name in classes)
    require(named and bool(classes), "classes", "must be a list of names")
    for name in classes:
        why = check_class_name(name)
        require(why is None, "classes", f"{name!r} {why}")
    require(len(set(classes)) == len(classes), "classes", "names one twice")


def _check_input(spec: Mapping[str, Any], stride: int) -> None:
    require(spec["layout"] == "NCHW", "input.layout", "must be NCHW")
    require(spec["range"] == [0, 1], "input.range", "must be [0, 1]")
    require(spec["channels"] in (3, 6), "input.channels", "must be 3 or 6")
    sizes = spec["sizes"]
    require(_pixels(sizes) and bool(sizes), "input.sizes", "must be a list of pixels")
    require(sizes == sorted(set(sizes)), "input.sizes", "must rise")
    fits = all(size % stride == 0 for size in sizes)
    require(fits, "input.sizes", f"must be multiples of the stride, {stride}")
    _check_fit(spec)


def _check_fit(spec: Mapping[str, Any]) -> None:
    fit, canvas = spec.get("fit", LETTERBOX), spec.get("canvas")
    require(fit in FITS, "input.fit", f"must be one of {', '.join(FITS)}")
    require(spec.get("batch", 1) == 1, "input.batch", "can only be 1")
    if canvas is None:
        require(fit not in STRETCHED, "input.canvas", f"is needed by the fit {fit}")
        return
    sound = len(canvas) == 2 and _pixels(canvas)
    require(sound, "input.canvas", "must be height and width in pixels")
    require([max(canvas)] == spec["sizes"], "input.sizes", "must be the canvas's")


def _pixels(values: list[Any]) -> bool:
    return all(type(value) is int and 0 < value <= _LONGEST for value in values)
