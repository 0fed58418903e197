"""Remarks on what only shows when all images are seen together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference_worker.engine.label_files import lies_outside
from inference_worker.training.datasets.labels import Labels
from inference_worker.training.datasets.records import Labelled

FEW = 10


def remark_on_all(
    labels: Labels,
    files: Sequence[str],
    samples: Sequence[Labelled],
    classes: tuple[str, ...],
) -> None:
    """`files[i]` is how people call `samples[i]`."""
    _normal(labels, files, samples)
    _copies(labels, files, samples)
    _sizes(labels, samples)
    _rare(labels, samples, classes)


def remark_on_links(labels: Labels, folder: Path, samples: Sequence[Labelled]) -> None:
    """Once for the folder: people keep large images elsewhere on purpose."""
    paths = [path for one in samples for path in (one.path, one.template) if path]
    outside = [path for path in paths if lies_outside(path, folder)]
    if outside:
        first = outside[0].relative_to(folder).as_posix()
        text = f"{first} lies outside the folder, behind a link"
        more = f", and {len(outside) - 1} more" if len(outside) > 1 else ""
        labels.note("", "linked_image", text + more)


def _normal(labels: Labels, files: Sequence[str], samples: Sequence[Labelled]) -> None:
    for file, sample in zip(files, samples, strict=True):
        if len(sample.boxes) == 0:
            labels.note(file, "no_boxes", "no box: a normal image")


def _copies(labels: Labels, files: Sequence[str], samples: Sequence[Labelled]) -> None:
    first: dict[str, int] = {}
    for i, sample in enumerate(samples):
        earlier = first.setdefault(sample.digest, i)
        if earlier != i:
            alike = _same_boxes(samples[earlier], sample)
            otherwise = "" if alike else ", labelled otherwise"
            text = f"the same file as {files[earlier]}{otherwise}"
            labels.note(files[i], "same_image", text)


def _same_boxes(one: Labelled, other: Labelled) -> bool:
    return np.array_equal(one.boxes, other.boxes) and np.array_equal(
        one.class_ids, other.class_ids
    )


def _sizes(labels: Labels, samples: Sequence[Labelled]) -> None:
    sizes = {(sample.width, sample.height) for sample in samples}
    if len(sizes) > 1:
        widths, heights = zip(*sizes, strict=True)
        text = (
            f"{len(sizes)} sizes: {min(widths)} to {max(widths)} pixels wide,"
            f" {min(heights)} to {max(heights)} high"
        )
        labels.note("", "mixed_sizes", text)


def _rare(
    labels: Labels, samples: Sequence[Labelled], classes: tuple[str, ...]
) -> None:
    """Only of classes that this folder names: others come from elsewhere."""
    ids = np.concatenate([sample.class_ids for sample in samples])
    counts = np.bincount(ids, minlength=len(classes))
    own = set(labels.classes)
    for name, count in zip(classes, counts, strict=True):
        if count < FEW and name in own:
            labels.note("", "rare_class", f"{name!r} has {count} boxes")
