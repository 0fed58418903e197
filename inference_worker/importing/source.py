"""A foreign file that was looked into; whatever opens its graph is a child."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference_worker.importing.apart import upgraded
from inference_worker.importing.errors import ImportRefused, doing
from inference_worker.importing.family import Array, Trial
from inference_worker.importing.layout import Canvas
from inference_worker.importing.signature import HALF, SIZES, Signature, read_signature
from inference_worker.untrusted.answers import Inspection
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.frames import Arrays
from inference_worker.untrusted.inspection import inspect
from inference_worker.untrusted.limits import DEFAULT_PROBE, ProbeLimits
from inference_worker.untrusted.probing import probe

Pixels = NDArray[np.uint8]

OPSET = 17
"""The oldest that is kept; older files are brought up to it."""


@dataclass(frozen=True)
class Source:
    """`name` is what the file was called; `limits` bound each child that runs it."""

    name: str
    inspection: Inspection = field(repr=False)
    limits: ProbeLimits = DEFAULT_PROBE

    @cached_property
    def model(self) -> bytes:
        """Of opset OPSET or later. Raises ImportRefused if that cannot be."""
        told = self.inspection
        found = told.opsets.get("", told.opsets.get("ai.onnx", 0))
        if found >= OPSET:
            return told.model
        try:
            return upgraded(told.model, OPSET, self.limits.seconds)
        except ImportRefused as error:
            raise ImportRefused(
                f"{self.name} is of opset {found} and cannot be brought to {OPSET}:"
                f" {error}",
                f"Export it again with an opset of {OPSET} or later.",
            ) from error

    @cached_property
    def signature(self) -> Signature:
        return read_signature(self.inspection)

    def try_out(self, canvas: Canvas) -> Trial:
        """What it gives for a drawn picture of that size. Raises ModelRefused."""
        images = self.signature.images
        kind = np.float16 if images.dtype == HALF else np.float32
        feeds = {images.name: picture(canvas).astype(kind)}
        if SIZES in self.signature.inputs:
            feeds[SIZES] = np.array([canvas[::-1]], np.int64)
        height, width = canvas
        with doing(f"running it once on {height}x{width} pixels"):
            outputs = self._probed(feeds)
        floats = {name: one.astype(np.float32) for name, one in outputs.items()}
        return Trial(self.signature, floats, canvas)

    def _probed(self, feeds: Arrays) -> Arrays:
        try:
            return probe(self.model, feeds, self.limits)
        except ModelRefused as refused:
            if refused.reason != Reason.RUN_FAILED or all(self.signature.canvas):
                raise
            hint = (
                "The file leaves the canvas free, and fails at this one: give the size"
                " that it was exported at, such as --size 320."
            )
            raise ModelRefused(refused.reason, refused.told, hint) from refused


def open_source(path: Path, limits: ProbeLimits = DEFAULT_PROBE) -> Source:
    """Raises ModelRefused for a file that breaks a rule."""
    return Source(path.name, inspect(path), limits)


def picture(canvas: Canvas, seed: int = 0) -> Array:
    """(1, 3, height, width) in 0..1: noise, and bars of plain colours on it."""
    height, width = canvas
    rng = np.random.default_rng(seed)
    planes = rng.uniform(0.3, 0.6, (1, 3, height, width))
    for _ in range(12):
        top, left = (rng.uniform(0, 0.8, 2) * canvas).astype(int)
        tall, wide = (rng.uniform(0.05, 0.3, 2) * canvas).astype(int) + 1
        colour = rng.uniform(0, 1, (3, 1, 1))
        planes[0, :, top : top + tall, left : left + wide] = colour
    return planes.astype(np.float32)


def pixels(canvas: Canvas, seed: int) -> Pixels:
    """The same picture as a backend takes it: (1, height, width, 3) uint8."""
    planes = picture(canvas, seed).transpose(0, 2, 3, 1)
    return np.round(planes * 255).astype(np.uint8)
