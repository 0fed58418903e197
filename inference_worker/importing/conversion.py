"""A foreign network to one of ours: recognised, classes named, its graph rebuilt."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from inference_worker.engine.notes import INPUT_NOTE, MARKS_NOTE, SCHEMA_NOTE
from inference_worker.importing.apart import Plan, built
from inference_worker.importing.errors import FamilyUnclear, ImportRefused
from inference_worker.importing.labels import Labels, check_seen, read_labels
from inference_worker.importing.layout import Layout, canvas_of, lay_out
from inference_worker.importing.marks import Marks, marks_of
from inference_worker.importing.ours import Ours, is_ours
from inference_worker.importing.recognise import (
    Recognised,
    recognise,
    refuse_other_tasks,
)
from inference_worker.importing.source import Source

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
_UNMARKED = (
    "The file was imported before, when threshold and IoU were not noted in it: see"
    " that --threshold and --iou (1 for a network without doubles) are as they were."
)
_UNNOTED = (
    "The file was made when sizes, threshold and IoU were not noted in it, so the usual"
    " ones are taken: %s pixels, %.2f and %.2f. The manifest.json beside it tells its"
    " own: give them with --size, --threshold and --iou, or adopt its folder instead."
)
_OUR_NOTES = "causeline_"
_KEPT_NOTES = ("author",)

Ask = Callable[[FamilyUnclear], str]
"""Gives the family that the user means; raises what it was given if nobody says."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user gave; None is worked out. `out` gets `<name>/<version>/`, and
    `patience` bounds, in seconds, each step that a graph might drag out.
    """

    file: Path
    name: str
    out: Path
    data: Path
    version: str | None = None
    family: str | None = None
    classes: str | None = None
    size: str | None = None
    threshold: float | None = None
    nms_iou: float | None = None
    coco: Path | None = None
    patience: float = PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Converted:
    """The graph in our signature, and how that came about; no `plan` where it is ours
    already.
    """

    source: Source
    found: Recognised
    labels: Labels
    layout: Layout
    marks: Marks
    model: bytes
    plan: Plan | None = None

    @property
    def added(self) -> list[str]:
        """What was added to the graph."""
        return self.found.family.done() if self.plan else ["nothing"]

    def laid_out(self, layout: Layout) -> Converted:
        """The same for another layout."""
        if self.plan is None:
            return replace(self, layout=layout)
        seconds = self.source.limits.seconds
        model = built(self.source.model, self.plan, layout, seconds)
        return replace(self, layout=layout, model=model)


def convert_source(source: Source, wishes: Wishes, ask: Ask) -> Converted:
    """Raises ImportRefused, FamilyUnclear when `ask` does not say, ModelRefused."""
    signature = source.signature
    refuse_other_tasks(signature)
    if is_ours(signature):
        return _as_it_is(source, wishes)
    canvas = canvas_of(signature, wishes.size)
    trial = source.try_out(canvas)
    named = _count(source, wishes)
    try:
        found = recognise(trial, wishes.family, named)
    except FamilyUnclear as unclear:
        found = recognise(trial, ask(unclear), named)
    family = found.family
    labels = read_labels(wishes.classes, signature.metadata, family.scores(trial))
    check_seen(labels, family.classes_seen(trial))
    layout = lay_out(family, signature, canvas, wishes.size)
    plan = Plan(family, trial, labels.kept, _notes(source, labels))
    marks = Marks(family.threshold, family.nms_iou)
    given = marks.given(wishes.threshold, wishes.nms_iou)
    model = built(source.model, plan, layout, source.limits.seconds)
    return Converted(source, found, labels, layout, given, model, plan)


def _as_it_is(source: Source, wishes: Wishes) -> Converted:
    if wishes.family is not None:
        raise ImportRefused(
            f"--family {wishes.family}: the file is one of ours already",
            "Leave --family out, or import the file that it was made of.",
        )
    ours, metadata = Ours(), source.signature.metadata
    layout = ours.layout(source.signature, wishes.size)
    labels = ours.labels(source.signature, wishes)
    marks = marks_of(ours, metadata).given(wishes.threshold, wishes.nms_iou)
    if MARKS_NOTE not in metadata:
        _warn(INPUT_NOTE in metadata, layout, marks)
    found = Recognised(ours, "its metadata names our schema")
    return Converted(source, found, labels, layout, marks, source.inspection.model)


def _warn(laid_out: bool, layout: Layout, marks: Marks) -> None:
    if laid_out:
        log.warning("%s", _UNMARKED)
    else:
        log.warning(_UNNOTED, layout.sizes[0], marks.threshold, marks.nms_iou)


def _notes(source: Source, labels: Labels) -> Mapping[str, str]:
    """What the new file says of itself; whatever told of the licence goes with it."""
    told = source.inspection
    kept = {
        key: text
        for key, text in told.metadata.items()
        if (key in told.licences or key in _KEPT_NOTES)
        and not key.startswith(_OUR_NOTES)
    }
    return kept | {SCHEMA_NOTE: "1", "names": json.dumps(list(labels.classes))}


def _count(source: Source, wishes: Wishes) -> int | None:
    """How many names the user or the file gives, if any are given at all."""
    metadata = source.signature.metadata
    if wishes.classes is None and "names" not in metadata:
        return None
    return len(read_labels(wishes.classes, metadata, None).names)
