"""The canvas that an imported network runs at, and how pictures meet it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from inference_worker.engine.visible import visible
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.family import Family
from inference_worker.importing.signature import Signature

USUAL, LONGEST = 640, 4096
_USUAL_STRIDE = 32
_SIZE = re.compile(r"(\d{1,9})(?:x(\d{1,9}))?")

Canvas = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the manifest says of the input; `canvas` None where the graph is free."""

    fit: str
    sizes: tuple[int, ...]
    stride: int
    canvas: Canvas | None = None
    batch: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The manifest's `input`; what is as ours is left out."""
        told: dict[str, Any] = {
            "layout": "NCHW",
            "channels": 3,
            "range": [0, 1],
            "sizes": list(self.sizes),
            "fit": self.fit,
        }
        if self.canvas is not None:
            told["canvas"] = list(self.canvas)
        if self.batch is not None:
            told["batch"] = self.batch
        return told

    def noted(self) -> dict[str, Any]:
        """What the new file notes of itself, and `from_json` reads."""
        return self.as_json() | {"stride": self.stride}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Unchecked; KeyError, IndexError or TypeError for what is no layout."""
        canvas = told.get("canvas")
        return cls(
            fit=told["fit"],
            sizes=tuple(told["sizes"]),
            stride=told["stride"],
            canvas=None if canvas is None else (canvas[0], canvas[1]),
            batch=told.get("batch"),
        )


def check_size(size: str | None) -> None:
    """ImportRefused for a --size that no network has."""
    if size is not None:
        _asked(size)


def canvas_of(signature: Signature, size: str | None) -> Canvas:
    """(height, width): the graph's own, or else `size` ("640" or "480x640"), or else
    the metadata's, or 640.

    Raises ImportRefused for a size that is none, or not the graph's.
    """
    asked = None if size is None else _asked(size)
    usual = asked or _declared(signature.metadata) or (USUAL, USUAL)
    fixed = signature.canvas
    canvas = (fixed[0] or usual[0], fixed[1] or usual[1])
    if asked is not None and asked != canvas:
        raise ImportRefused(
            f"the network only takes pictures of {canvas[0]}x{canvas[1]}, not {size}",
            "Leave --size out.",
        )
    if max(canvas) > LONGEST:
        raise ImportRefused(
            f"the network takes {canvas[0]}x{canvas[1]} pixels, at most"
            f" {LONGEST} a side can be"
        )
    return canvas


def lay_out(
    family: Family, signature: Signature, canvas: Canvas, size: str | None
) -> Layout:
    """A free canvas stays free where the family's own runtime leaves it free."""
    stride = _stride(signature.metadata)
    if max(canvas) % stride:
        stride = 1
    free = signature.canvas == (None, None) and canvas[0] == canvas[1]
    keeps_free = family.free_canvas and free and size is None and stride > 1
    return Layout(
        fit=family.fit,
        sizes=(max(canvas),),
        stride=stride,
        canvas=None if keeps_free else canvas,
        batch=signature.batch,
    )


def _asked(size: str) -> Canvas:
    found = _SIZE.fullmatch(size)
    canvas = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < min(canvas) <= max(canvas) <= LONGEST:
        raise ImportRefused(
            f"--size {visible(size)}: no side of 1 to {LONGEST} pixels",
            "Give one number for a square, or height x width: --size 640 or"
            " --size 480x640.",
        )
    return canvas


def _declared(metadata: Mapping[str, str]) -> Canvas | None:
    """Ultralytics' `imgsz`, `[480, 640]` or `640`; None for anything else."""
    text = metadata.get("imgsz", "")
    try:
        value = ast.literal_eval(text) if len(text) < 40 else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    sides = [value, value] if isinstance(value, int) else value
    if not isinstance(sides, list) or len(sides) != 2:
        return None
    if not all(type(side) is int and 0 < side <= LONGEST for side in sides):
        return None
    return sides[0], sides[1]


def _stride(metadata: Mapping[str, str]) -> int:
    text = metadata.get("stride", "")
    usable = text.isdecimal() and len(text) < 4 and int(text) > 0
    return int(text) if usable else _USUAL_STRIDE
