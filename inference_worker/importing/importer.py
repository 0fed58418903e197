"""A foreign ONNX file to a version folder, step by step."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import onnx

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.store import MODEL
from inference_worker.engine.visible import visible
from inference_worker.importing.card import (
    CardFacts,
    card,
    licence_lines,
    licence_warning,
)
from inference_worker.importing.conversion import (
    Ask,
    Converted,
    Wishes,
    convert_source,
)
from inference_worker.importing.marks import MARKS_NOTE, Marks
from inference_worker.importing.measuring import measure_imported
from inference_worker.importing.release import (
    CARD,
    Release,
    check_free,
    manifest_of,
    next_release,
    write_version,
)
from inference_worker.importing.settling import Settled, settle
from inference_worker.importing.source import open_source
from inference_worker.untrusted.limits import DEFAULT_PROBE

log = logging.getLogger(__name__)

_MOST_SHOWN = 200


def import_model(wishes: Wishes, ask: Ask) -> Path:
    """The folder written.

    Raises ModelRefused for a file that breaks a rule, ImportRefused for one that no
    detector can be made of, FamilyUnclear when `ask` does not say, DatasetError.
    """
    release = next_release(wishes.name, wishes.version, wishes.data)
    check_free(wishes.out, release)
    if wishes.coco is not None and not wishes.coco.is_dir():
        raise DatasetError(f"--coco {wishes.coco}: there is no such folder")
    limits = replace(DEFAULT_PROBE, seconds=wishes.patience)
    source = open_source(wishes.file, limits)
    licences = source.inspection.licences
    for what, text in licence_lines(licences):
        log.info("%s: %s", visible(what)[:_MOST_SHOWN], visible(text)[:_MOST_SHOWN])
    if warning := licence_warning(licences):
        log.warning("%s", warning)
    made = convert_source(source, wishes, ask)
    log.info("%s: %s", made.found.family.title, visible(made.found.why[:_MOST_SHOWN]))
    if made.found.doubt:
        log.warning("%s", made.found.doubt)
    return _write(settle(made, lambda one: _draft(one, release)), wishes, release)


def _draft(made: Converted, release: Release) -> Manifest:
    marks = (made.marks.threshold, made.marks.nms_iou)
    files = {MODEL: made.model}
    return manifest_of(release, made.labels.classes, made.layout, marks, files)


def _write(settled: Settled, wishes: Wishes, release: Release) -> Path:
    made = settled.made
    marks, metrics = _measured(settled, wishes, _draft(made, release))
    model = made.model if made.plan is None else _noted(made.model, marks)
    files = {MODEL: model}
    values = marks.threshold, marks.nms_iou
    what = release, made.labels.classes, made.layout, values
    facts = CardFacts(
        manifest=manifest_of(*what, files, metrics),
        settled=settled,
        marks=marks,
        measured_on=wishes.coco.name if wishes.coco else "",
        metrics=metrics,
    )
    files[CARD] = card(facts).encode()
    return write_version(wishes.out, manifest_of(*what, files, metrics), files)


def _measured(
    settled: Settled, wishes: Wishes, draft: Manifest
) -> tuple[Marks, Metrics | None]:
    """The threshold is chosen where photos are given, and the user did not choose."""
    made = settled.made
    if wishes.coco is None:
        return made.marks, None
    best, metrics = measure_imported(
        draft,
        made.model,
        wishes.coco,
        wishes.threshold,
        settled.first,
        made.source.limits,
    )
    chosen = wishes.threshold is not None
    return made.marks if chosen else made.marks.measured(best), metrics


def _noted(model: bytes, marks: Marks) -> bytes:
    """With a note more: protobuf reads what is appended as if it had stood there."""
    note = onnx.StringStringEntryProto(key=MARKS_NOTE, value=marks.noted())
    more = onnx.ModelProto(metadata_props=[note])
    return model + bytes(more.SerializeToString())
