"""The only door to a foreign file: what `untrusted` lets through, and one run of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.family import Array, Trial
from inference_worker.importing.graft import IMAGES, PREDS
from inference_worker.importing.layout import Canvas
from inference_worker.importing.signature import HALF, SIZES, Signature, read_signature
from inference_worker.untrusted.answers import Inspection
from inference_worker.untrusted.inspection import inspect
from inference_worker.untrusted.probing import probe

OPSET = 17
"""The oldest that is kept; older files are brought up to it."""


@dataclass(frozen=True)
class Source:
    """A foreign file that was looked into; `name` is what it was called."""

    name: str
    inspection: Inspection

    @cached_property
    def model(self) -> Any:
        """The ModelProto, of opset OPSET or later; ImportRefused if that cannot be."""
        model = onnx.load_from_string(self.inspection.model)
        found = self.inspection.opsets.get("", self.inspection.opsets.get("ai.onnx", 0))
        if found >= OPSET:
            return model
        try:
            return onnx.version_converter.convert_version(model, OPSET)
        # Its adapters raise whatever they run into.
        except Exception as error:
            raise ImportRefused(
                f"{self.name} is of opset {found} and cannot be brought to {OPSET}",
                f"Export it again with an opset of {OPSET} or later.",
            ) from error

    @cached_property
    def signature(self) -> Signature:
        return read_signature(self.model)

    def try_out(self, canvas: Canvas) -> Trial:
        """What it gives for a drawn picture of that size. Raises ModelRefused."""
        images = self.signature.images
        kind = np.float16 if images.element_type == HALF else np.float32
        feeds = {images.name: picture(canvas).astype(kind)}
        if SIZES in self.signature.inputs:
            feeds[SIZES] = np.array([canvas[::-1]], np.int64)
        outputs = probe(self.model.SerializeToString(), feeds)
        floats = {name: one.astype(np.float32) for name, one in outputs.items()}
        return Trial(self.signature, floats, canvas)


def open_source(path: Path) -> Source:
    """Raises ModelRefused for a file that breaks a rule."""
    return Source(path.name, inspect(path))


def picture(canvas: Canvas) -> Array:
    """(1, 3, height, width) in 0..1: noise, and bars of plain colours on it."""
    height, width = canvas
    rng = np.random.default_rng(0)
    planes = rng.uniform(0.3, 0.6, (1, 3, height, width))
    for _ in range(12):
        top, left = (rng.uniform(0, 0.8, 2) * canvas).astype(int)
        tall, wide = (rng.uniform(0.05, 0.3, 2) * canvas).astype(int) + 1
        colour = rng.uniform(0, 1, (3, 1, 1))
        planes[0, :, top : top + tall, left : left + wide] = colour
    return planes.astype(np.float32)


def run_imported(model: bytes, canvas: Canvas) -> Array:
    """`preds` of an imported model for the same picture. Raises ModelRefused."""
    return probe(model, {IMAGES: picture(canvas)})[PREDS].astype(np.float32)
