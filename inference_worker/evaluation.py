"""Measuring a detector on labelled images."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from inference_worker.engine.api import Detector
from inference_worker.engine.backends.base import MAX_BATCH
from inference_worker.engine.coco import ANNOTATIONS, Sample, read_coco
from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import (
    DatasetError,
    TemplateError,
    TemplateMissing,
)
from inference_worker.engine.metrics import Metrics, evaluate_detections
from inference_worker.engine.registration import fit
from inference_worker.engine.types import Detections, Guesses, Image
from inference_worker.golden import read_template
from inference_worker.training.datasets import Labelled, read_folder, report

log = logging.getLogger(__name__)

LOWEST_SCORE = 0.001
"""Average precision wants every guess; COCO's own practice."""


def read_labelled(
    folder: Path, classes: Sequence[str], templates: bool
) -> list[Sample]:
    """The samples of any labelled folder, class ids counted in the model's `classes`.

    A folder with annotations.json is read as contracts have it, by `read_coco`, any
    other as training reads it. DatasetError for what either refuses, a class the
    model does not know, or (where it wants `templates`) an image without one.
    """
    if os.path.lexists(folder / ANNOTATIONS):
        return read_coco(folder, classes)
    listing = read_folder(folder, classes=classes)
    if listing.remarks:
        log.info("%s", report(listing.remarks))
    drawn = {listing.classes[i] for one in listing.samples for i in one.class_ids}
    unknown = sorted(drawn - set(classes))
    if unknown:
        what = ", ".join(unknown)
        raise DatasetError(
            f"{folder}: the model knows no {what}, only {', '.join(classes)}"
        )
    return [_sample(one, templates) for one in listing.samples]


def _sample(one: Labelled, templates: bool) -> Sample:
    if templates and one.template is None:
        raise DatasetError(
            f"{one.path} has no template of its size",
            "Put the golden image of each into templates/, under the image's name.",
        )
    template = one.template or Path()
    return Sample(one.path, template, Detections.truth(one.boxes, one.class_ids))


def find_all(detector: Detector, samples: Sequence[Sample]) -> Iterator[Guesses]:
    """What the detector finds in each sample, down to LOWEST_SCORE, as it goes.

    Holds MAX_BATCH decoded images at a time. Raises ImageError or TemplateError naming
    the file.
    """
    for start in range(0, len(samples), MAX_BATCH):
        some = samples[start : start + MAX_BATCH]
        images = [decode_file(sample.path) for sample in some]
        templates = None
        if detector.wants_templates:
            templates = [_template(sample) for sample in some]
        try:
            yield from detector.guess(images, templates, LOWEST_SCORE)
        except TemplateError:
            _name_misfit(some, images, templates or ())
            raise


def _template(sample: Sample) -> Image:
    if not sample.template.is_file():
        hint = f"Put the template of {sample.path.name} there, under the same name."
        raise TemplateMissing(f"{sample.template}: no template there", hint)
    return read_template(sample.template)


def _name_misfit(
    samples: Sequence[Sample], images: Sequence[Image], templates: Sequence[Image]
) -> None:
    """Raise the error of the first template that does not fit, with its file."""
    for sample, image, template in zip(samples, images, templates, strict=True):
        try:
            fit(image, template)
        except TemplateError as error:
            raise TemplateError(f"{sample.template}: {error}", error.hint) from error


def measure(
    detector: Detector, samples: Sequence[Sample], found: Sequence[Guesses]
) -> Metrics:
    """The figures of `find_all`'s result: average precision of all guesses, F of what a
    line would see at the threshold that the model ships with.
    """
    return evaluate_detections(
        [sample.truth for sample in samples],
        [one.every for one in found],
        detector.classes,
        detector.threshold,
        seen=[one.seen for one in found],
    )
