"""A foreign ONNX file to a version folder, step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.metrics import Metrics
from inference_worker.engine.store import MODEL
from inference_worker.engine.visible import visible
from inference_worker.importing.card import CardFacts, card, licence_warning
from inference_worker.importing.convert import check_preds, convert
from inference_worker.importing.errors import FamilyUnclear
from inference_worker.importing.labels import Labels, check_seen, read_labels
from inference_worker.importing.layout import Canvas, Layout, canvas_of, lay_out
from inference_worker.importing.measuring import measure_imported
from inference_worker.importing.ours import Ours, is_ours
from inference_worker.importing.recognise import (
    Recognised,
    recognise,
    refuse_other_tasks,
)
from inference_worker.importing.release import (
    CARD,
    Release,
    check_free,
    manifest_of,
    next_release,
    write_version,
)
from inference_worker.importing.runtimes import try_backends
from inference_worker.importing.source import Source, open_source, run_imported

log = logging.getLogger(__name__)

_MOST_SHOWN = 200

Ask = Callable[[FamilyUnclear], str]
"""Gives the family that the user means; raises what it was given if nobody says."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user gave; None is worked out. `out` gets `<name>/<version>/`."""

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


@dataclass(frozen=True, slots=True)
class Converted:
    """The graph in our signature, and how that came about."""

    source: Source
    found: Recognised
    labels: Labels
    layout: Layout
    model: bytes
    added: list[str]


def import_model(wishes: Wishes, ask: Ask) -> Path:
    """The folder written.

    Raises ModelRefused for a file that breaks a rule, ImportRefused for one that no
    detector can be made of, FamilyUnclear when `ask` does not say, DatasetError.
    """
    release = next_release(wishes.name, wishes.version, wishes.data)
    check_free(wishes.out, release)
    source = open_source(wishes.file)
    licence = source.inspection.licence
    log.info("licence in the file: %s", visible((licence or "none")[:_MOST_SHOWN]))
    if warning := licence_warning(licence):
        log.warning("%s", warning)
    made = convert_source(source, wishes, ask)
    log.info("%s: %s", made.found.family.title, visible(made.found.why[:_MOST_SHOWN]))
    return _write(made, wishes, release)


def convert_source(source: Source, wishes: Wishes, ask: Ask) -> Converted:
    """The file's graph made ours, tried once on a drawn picture."""
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
    model = convert(source.model, family, trial, labels, layout)
    check_preds(run_imported(model, canvas), labels, canvas)
    return Converted(source, found, labels, layout, model, family.done())


def _as_it_is(source: Source, wishes: Wishes) -> Converted:
    ours = Ours()
    layout = ours.layout(source.signature, wishes.size)
    model, labels = source.inspection.model, ours.labels(source.signature, wishes)
    canvas: Canvas = layout.canvas or (layout.sizes[0], layout.sizes[0])
    check_preds(run_imported(model, canvas), labels, canvas)
    found = Recognised(ours, "its metadata names our schema")
    return Converted(source, found, labels, layout, model, ["nothing"])


def _write(made: Converted, wishes: Wishes, release: Release) -> Path:
    family, classes, layout = made.found.family, made.labels.classes, made.layout
    marks = (wishes.threshold or family.threshold, wishes.nms_iou or family.nms_iou)
    files = {MODEL: made.model}
    draft = manifest_of(release, classes, layout, marks, files)
    runtimes = try_backends(draft, made.model)
    for name, why in runtimes.refused.items():
        log.warning("%s cannot run it: %s", name, why)
    metrics: Metrics | None = None
    if wishes.coco is not None:
        best, metrics = measure_imported(
            draft, made.model, wishes.coco, wishes.threshold, runtimes.first
        )
        marks = (best, marks[1])
    final = manifest_of(release, classes, layout, marks, files, metrics)
    facts = CardFacts(
        manifest=final,
        named_by=made.labels.source,
        source=made.source,
        found=made.found,
        layout=layout,
        added=made.added,
        runtimes=runtimes,
        measured_on=wishes.coco.name if wishes.coco else "",
        metrics=metrics,
    )
    files[CARD] = card(facts).encode()
    final = manifest_of(release, classes, layout, marks, files, metrics)
    return write_version(wishes.out, final, files)


def _count(source: Source, wishes: Wishes) -> int | None:
    """How many names the user or the file gives, if any are given at all."""
    metadata = source.signature.metadata
    if wishes.classes is None and "names" not in metadata:
        return None
    return len(read_labels(wishes.classes, metadata, None).names)
