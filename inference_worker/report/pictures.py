"""Small pictures of images with what was drawn and found, as SVG in the page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape

import cv2
import numpy as np

from inference_worker.engine.curves import Verdict
from inference_worker.engine.types import FloatArray, Image
from inference_worker.report.figures import ALARM, CONFUSED, HIT, MISS

LONG_SIDE = 480
"""Pixels of the embedded picture; its boxes are drawn over it, and stay sharp."""

_QUALITY = 80
_KEY = (
    ("found under its name", HIT, "solid"),
    ("missed", MISS, "dashed"),
    ("false alarm", ALARM, "solid"),
    ("found under another name", CONFUSED, "solid"),
)


def key() -> str:
    """What the colours of the boxes mean."""
    items = "".join(
        f'<li><i style="border-color:{colour};border-style:{style}"></i>{name}</li>'
        for name, colour, style in _KEY
    )
    return f'<ul class="key">{items}</ul>'


def picture(image: Image, name: str, one: Verdict, classes: Sequence[str]) -> str:
    """The image with its boxes, and what went wrong in it in words."""
    height, width = image.shape[:2]
    boxes = "".join(_boxes(one, classes, (width, height)))
    words = _words(one)
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(f"{name}: {words}")}">'
        f'<image href="{_embedded(image)}" width="{width}" height="{height}"/>'
        f"{boxes}</svg><figcaption>{escape(name)}: {words}</figcaption></figure>"
    )


def _boxes(
    one: Verdict, classes: Sequence[str], size: tuple[int, int]
) -> Iterator[str]:
    hits = one.hits
    seen = set(one.drawn_of.tolist())
    for place in one.missed:
        label = "" if int(place) in seen else classes[one.truth.class_ids[place]]
        yield _box(one.truth.boxes[place], MISS, label, size, dashed=True)
    for i, box in enumerate(one.found.boxes):
        name = f"{classes[one.found.class_ids[i]]} {one.found.scores[i]:.2f}"
        if hits[i]:
            yield _box(box, HIT, "", size)
        elif one.drawn_of[i] >= 0:
            drawn = classes[one.truth.class_ids[one.drawn_of[i]]]
            yield _box(box, CONFUSED, f"{name}, is {drawn}", size)
        else:
            yield _box(box, ALARM, name, size)


def _box(
    box: FloatArray,
    colour: str,
    label: str,
    size: tuple[int, int],
    dashed: bool = False,
) -> str:
    letter = max(size) / 26
    left, top, right, bottom = (float(value) for value in box)
    style = f' stroke-dasharray="{letter / 3:.1f}"' if dashed else ""
    drawn = (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}"'
        f' height="{bottom - top:.1f}" fill="none" stroke="{colour}"'
        f' stroke-width="{letter / 8:.1f}"{style}/>'
    )
    return drawn + _label(box, colour, label, size[0], letter) if label else drawn


def _label(box: FloatArray, colour: str, label: str, width: int, letter: float) -> str:
    """Above the box or, at the image's upper edge, inside it; never beyond a side."""
    left, top, right, _ = (float(value) for value in box)
    at = top - letter / 4 if top > 1.2 * letter else top + letter
    x, anchor = (left, "start") if left < 0.6 * width else (right, "end")
    return (
        f'<text x="{x:.1f}" y="{at:.1f}" text-anchor="{anchor}" fill="{colour}"'
        f' font-size="{letter:.1f}"'
        f' stroke="#fff" stroke-width="{letter / 4:.1f}" paint-order="stroke"'
        f">{escape(label)}</text>"
    )


def _words(one: Verdict) -> str:
    confused = int(((one.drawn_of >= 0) & ~one.hits).sum())
    alarms = int((one.drawn_of < 0).sum())
    missed = len(np.setdiff1d(np.arange(len(one.truth)), one.drawn_of))
    parts = [
        _counted(missed, "missed", "missed"),
        _counted(alarms, "false alarm", "false alarms"),
        _counted(confused, "wrong name", "wrong names"),
    ]
    return ", ".join(part for part in parts if part)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""


def _embedded(image: Image) -> str:
    """A JPEG as a data address, LONG_SIDE at most."""
    ratio = min(1.0, LONG_SIDE / max(image.shape[:2]))
    width, height = (max(1, round(side * ratio)) for side in image.shape[1::-1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
