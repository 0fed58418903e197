"""A foreign ONNX file to a version folder, step by step."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.notes import MARKS_NOTE, noted
from inference_worker.engine.store import CARD, MANIFEST, MODEL
from inference_worker.engine.visible import visible
from inference_worker.importing.card import (
    CardFacts,
    card,
    licence_lines,
    licence_warning,
    quantised_warning,
)
from inference_worker.importing.conversion import (
    Ask,
    Converted,
    Wishes,
    convert_source,
)
from inference_worker.importing.layout import check_size
from inference_worker.importing.marks import Marks
from inference_worker.importing.measuring import measure_imported
from inference_worker.importing.release import (
    Release,
    manifest_of,
    next_release,
)
from inference_worker.importing.settling import Settled, settle
from inference_worker.importing.source import open_source
from inference_worker.publishing import Place, place_for
from inference_worker.untrusted.limits import DEFAULT_PROBE

log = logging.getLogger(__name__)

_MOST_SHOWN = 200


def import_model(wishes: Wishes, ask: Ask) -> Path:
    """The folder written.

    Raises ModelRefused for a file that breaks a rule, ImportRefused for one that no
    detector can be made of, FamilyUnclear when `ask` does not say; NoPlace,
    ImportRefused and DatasetError for what cannot be meant before any work.
    """
    release = next_release(wishes.name, wishes.version, wishes.data)
    check_size(wishes.size)
    if wishes.coco is not None and not wishes.coco.is_dir():
        raise DatasetError(f"--coco {wishes.coco}: there is no such folder")
    with place_for(release.folder(wishes.out)) as place:
        return _write(_settled(wishes, ask, release), wishes, release, place)


def _settled(wishes: Wishes, ask: Ask, release: Release) -> Settled:
    limits = replace(DEFAULT_PROBE, seconds=wishes.patience)
    source = open_source(wishes.file, limits)
    licences = source.inspection.licences
    for what, text in licence_lines(licences):
        log.info("%s: %s", visible(what)[:_MOST_SHOWN], visible(text)[:_MOST_SHOWN])
    for warning in (
        licence_warning(licences),
        quantised_warning(source.inspection.operators),
    ):
        if warning:
            log.warning("%s", warning)
    made = convert_source(source, wishes, ask)
    log.info("%s: %s", made.found.family.title, visible(made.found.why[:_MOST_SHOWN]))
    if made.found.doubt:
        log.warning("%s", made.found.doubt)
    return settle(made, lambda one: _draft(one, release))


def _draft(made: Converted, release: Release) -> Manifest:
    marks = (made.marks.threshold, made.marks.nms_iou)
    files = {MODEL: made.model}
    return manifest_of(release, made.labels.classes, made.layout, marks, files)


def _write(settled: Settled, wishes: Wishes, release: Release, place: Place) -> Path:
    made = settled.made
    marks, metrics = _measured(settled, wishes, _draft(made, release))
    ours = made.plan is None
    model = made.model if ours else noted(made.model, {MARKS_NOTE: marks.noted()})
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
    manifest = manifest_of(*what, files, metrics).canonical()
    return place.publish({**files, MANIFEST: manifest})


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
