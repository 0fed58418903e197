"""Files of our own making: their graph is taken as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from inference_worker.engine.notes import INPUT_NOTE, SCHEMA_NOTE
from inference_worker.engine.preprocess import LETTERBOX
from inference_worker.importing.errors import ImportRefused
from inference_worker.importing.family import Family, Match, Trial
from inference_worker.importing.graft import IMAGES, PREDS, Nodes
from inference_worker.importing.labels import Labels, read_labels
from inference_worker.importing.layout import LONGEST, Layout, canvas_of
from inference_worker.importing.signature import Signature

_SCHEMA = "1"
_STRIDE = 32


class Named(Protocol):
    """Whoever may name the classes."""

    @property
    def classes(self) -> str | None: ...


class Ours(Family):
    """Never matched by shapes: only the metadata says so."""

    key = "causeline"
    title = "Causeline's own"
    fit = LETTERBOX
    free_canvas = True
    threshold = 0.5
    nms_iou = 0.45

    def match(self, trial: Trial) -> Match | None:
        return None

    def scores(self, trial: Trial) -> int | None:
        return int(trial.outputs[PREDS].shape[2]) - 4

    def decode(
        self, nodes: Nodes, outputs: Mapping[str, str], trial: Trial, kept: list[int]
    ) -> tuple[str, str]:
        raise ValueError("a graph of ours is decoded already")

    def labels(self, signature: Signature, named: Named) -> Labels:
        columns = signature.outputs[PREDS].shape[-1]
        count = None if columns is None else columns - 4
        return read_labels(named.classes, signature.metadata, count)

    def layout(self, signature: Signature, size: str | None) -> Layout:
        """As its metadata tells, or the corner of a free canvas as in training.

        Raises ImportRefused for a graph that is not as its metadata says.
        """
        if set(signature.inputs) != {IMAGES} or set(signature.outputs) != {PREDS}:
            raise ImportRefused(
                f"its metadata names our schema, but it does not take {IMAGES} and"
                f" give {PREDS}"
            )
        if INPUT_NOTE in signature.metadata:
            told = _checked(_told(signature.metadata[INPUT_NOTE]), signature)
            return _sized(told, signature, size)
        canvas = canvas_of(signature, size)
        fixed = signature.canvas != (None, None)
        return Layout(
            fit=self.fit,
            sizes=(max(canvas),),
            stride=1 if fixed else _STRIDE,
            canvas=canvas if fixed else None,
            batch=signature.batch,
        )


def is_ours(signature: Signature) -> bool:
    return signature.metadata.get(SCHEMA_NOTE) == _SCHEMA


def _told(text: str) -> Layout:
    """What `convert` wrote, or a stranger who says so."""
    try:
        return Layout.from_json(json.loads(text))
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ImportRefused(f"its {INPUT_NOTE} is not what we write") from error


def _checked(told: Layout, signature: Signature) -> Layout:
    """Before a picture of that size is drawn. Raises ImportRefused."""
    sides = (*told.sizes, *(told.canvas or ()), told.stride)
    whole = all(type(side) is int and 0 < side <= LONGEST for side in sides)
    fixed = signature.canvas != (None, None)
    if not told.sizes or not whole or (fixed and told.canvas != signature.canvas):
        raise ImportRefused(f"its {INPUT_NOTE} does not fit its graph")
    return replace(told, batch=told.batch or signature.batch)


def _sized(told: Layout, signature: Signature, size: str | None) -> Layout:
    """With the one of its sizes that is asked for; ImportRefused for any other."""
    if size is None:
        return told
    canvas = canvas_of(signature, size)
    squares = [(side, side) for side in told.sizes]
    noted = squares if told.canvas is None else [told.canvas]
    if canvas not in noted:
        raise ImportRefused(
            f"--size {size}: the file was made for"
            f" {' or '.join(f'{height}x{width}' for height, width in noted)}",
            "Leave --size out, or import the file that it was made of.",
        )
    return replace(told, sizes=(max(canvas),))
