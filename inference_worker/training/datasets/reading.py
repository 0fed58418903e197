"""One way from a folder to its listing: labels, images, boxes, classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from inference_worker.engine.errors import DatasetError, ImageError
from inference_worker.engine.types import Detections
from inference_worker.training.datasets.formats import read_labels
from inference_worker.training.datasets.labels import Claim, Labels
from inference_worker.training.datasets.overview import remark_on_all, remark_on_links
from inference_worker.training.datasets.placing import Placed, place
from inference_worker.training.datasets.records import Labelled, Listing
from inference_worker.training.datasets.reporting import refusal
from inference_worker.training.datasets.survey import Seen, look_at
from inference_worker.training.datasets.templates import find_templates

CHANGED = {
    "sixteen_bit": "16 bits a channel, scaled to 8",
    "cmyk": "CMYK, converted to RGB",
    "alpha": "an alpha channel, dropped",
}


def read_folder(
    folder: Path, *, classes: Sequence[str] = (), skip_broken: bool = False
) -> Listing:
    """Every image of a COCO, VOC or YOLO folder, opened once and found whole.

    `classes` come first, in this order; further ones of the folder follow. All that
    is wrong is collected, then DatasetError lists it file by file; with `skip_broken`
    the broken images are left out and their remarks stay. Raises PackageMissing for
    JPEGs without simplejpeg.
    """
    labels = read_labels(folder)
    pictures = _open(labels)
    placed = {one.file: place(labels, one, seen.size) for one, seen in pictures}
    broken = {remark.file for remark in labels.remarks if remark.fatal}
    if broken and not skip_broken:
        raise refusal(folder, labels.remarks)
    whole = [(one, seen) for one, seen in pictures if one.file not in broken]
    names = _classes(labels, classes)
    templates = find_templates(labels, folder, whole)
    numbers = {name: i for i, name in enumerate(names)}
    samples = tuple(
        _sample(one, seen, placed[one.file], numbers, templates.get(one.file))
        for one, seen in whole
    )
    _check_use(folder, samples)
    remark_on_all(labels, [one.file for one, _ in whole], samples, names)
    remark_on_links(labels, folder, samples)
    return Listing(names, samples, tuple(labels.remarks))


def _open(labels: Labels) -> list[tuple[Claim, Seen]]:
    """The images that are there, whole, and of the size that the labels claim."""
    there = [(one, one.path) for one in labels.claims if one.path is not None]
    for one in labels.claims:
        if one.path is None:
            labels.fatal(one.file, "missing_image", "there is no such image")
    looks = look_at([path for _, path in there])
    pictures = []
    for (one, _), look in zip(there, looks, strict=True):
        if isinstance(look, ImageError):
            labels.fatal(one.file, look.code, str(look))
        elif _fits(labels, one, look):
            pictures.append((one, look))
    return pictures


def _fits(labels: Labels, claim: Claim, look: Seen) -> bool:
    for code in look.changed:
        labels.note(claim.file, code, CHANGED[code])
    if claim.size is None or claim.size == look.size:
        return True
    text = "the labels say {:.6g} x {:.6g}, the image is {} x {}"
    text = text.format(*claim.size, *look.size)
    if claim.size == look.stored:
        text += " once turned as its EXIF asks: the labels are for it unturned"
    labels.fatal(claim.file, "size_differs", text)
    return False


def _classes(labels: Labels, first: Sequence[str]) -> tuple[str, ...]:
    """Beside a placeholder such as Roboflow's, a class without a box means nothing."""
    used = {box.name for claim in labels.claims for box in claim.boxes}
    own = labels.classes
    if labels.roots - used:
        own = [name for name in own if name in used]
    return tuple(dict.fromkeys([*first, *own]))


def _sample(
    claim: Claim,
    seen: Seen,
    placed: Sequence[Placed],
    numbers: Mapping[str, int],
    template: Path | None,
) -> Labelled:
    if claim.path is None:
        raise ValueError(f"{claim.file} was never opened")
    truth = Detections.truth(
        [box.corners for box in placed], [numbers[box.name] for box in placed]
    )
    return Labelled(
        claim.path,
        template,
        *seen.size,
        truth.boxes,
        truth.class_ids,
        seen.grey,
        seen.digest,
        seen.two_levels,
    )


def _check_use(folder: Path, samples: Sequence[Labelled]) -> None:
    if not any(len(sample.boxes) for sample in samples):
        what = "image has a box" if samples else "image can be used"
        raise DatasetError(f"{folder}: no {what}", "Check that labels and images fit.")
