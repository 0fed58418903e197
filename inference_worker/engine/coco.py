"""Labelled images in a COCO folder: `annotations.json`, `images/`, `templates/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_worker.engine.box_faults import fault_of
from inference_worker.engine.coco_entries import (
    corners,
    entries,
    file_name,
    get,
    known,
    load,
)
from inference_worker.engine.decode import check_size, read_file
from inference_worker.engine.errors import DatasetError, ImageError
from inference_worker.engine.types import Detections
from inference_worker.engine.visible import quoted

ANNOTATIONS = "annotations.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image; `template` is where its golden image would be."""

    path: Path
    template: Path
    truth: Detections


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One annotation; `where` says where it stands in the file."""

    where: str
    corners: list[float]
    label: int


def read_coco(folder: Path, classes: Sequence[str]) -> list[Sample]:
    """The samples of a folder, their class ids counted in `classes`.

    Categories are matched by name; boxes of a crowd (`iscrowd`) are left out.
    Raises DatasetError naming file and entry for whatever cannot be used: an image
    that is not there, a box without area or outside its image, a category that the
    model does not know.
    """
    source = folder / ANNOTATIONS
    content = load(source, folder)
    names = {
        get(entry, "id", (int, str), where): get(entry, "name", str, where)
        for where, entry in entries(source, content, "categories")
    }
    images = {
        get(entry, "id", (int, str), where): file_name(entry, where)
        for where, entry in entries(source, content, "images")
    }
    numbers = {name: i for i, name in enumerate(classes)}
    drawn: dict[Any, list[_Drawn]] = {image: [] for image in images}
    for where, entry in entries(source, content, "annotations"):
        if entry.get("iscrowd"):
            continue
        image = known(entry, "image_id", images, where)
        name = names[known(entry, "category_id", names, where)]
        if name not in numbers:
            models = ", ".join(classes)
            said = f"the model knows no {quoted(name)}, only {models}"
            raise DatasetError(f"{where}: {said}")
        drawn[image].append(_Drawn(where, corners(entry, where), numbers[name]))
    return [_sample(folder, name, drawn[image]) for image, name in images.items()]


def _sample(folder: Path, name: str, drawn: Sequence[_Drawn]) -> Sample:
    path = folder / "images" / name
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; {folder / ANNOTATIONS} names it")
    size = _size(path) if drawn else None
    for one in drawn:
        fault = fault_of(one.corners, size) if size else None
        if fault:
            raise DatasetError(f"{one.where}: {fault[1]}, {path}")
    truth = Detections.truth(
        [one.corners for one in drawn], [one.label for one in drawn]
    )
    return Sample(path, folder / "templates" / name, truth)


def _size(path: Path) -> tuple[int, int] | None:
    """Upright width and height; None for a picture that decoding will refuse."""
    try:
        header = check_size(read_file(path))
    except ImageError:
        return None
    turned = header.orientation >= 5
    size = header.width, header.height
    return size[::-1] if turned else size
