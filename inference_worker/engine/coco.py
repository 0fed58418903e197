"""Labelled images in a COCO folder: `annotations.json`, `images/`, `templates/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_worker.engine.coco_entries import (
    corners,
    entries,
    file_name,
    get,
    known,
    load,
)
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.types import Detections

ANNOTATIONS = "annotations.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image; `template` is where its golden image would be."""

    path: Path
    template: Path
    truth: Detections


def read_coco(folder: Path, classes: Sequence[str]) -> list[Sample]:
    """The samples of a folder, their class ids counted in `classes`.

    Categories are matched by name; boxes of a crowd (`iscrowd`) are left out.
    Raises DatasetError naming file and entry for whatever cannot be used: an image
    that is not there, a box without area, a category that the model does not know.
    """
    source = folder / ANNOTATIONS
    content = load(source)
    names = {
        get(entry, "id", (int, str), where): get(entry, "name", str, where)
        for where, entry in entries(source, content, "categories")
    }
    images = {
        get(entry, "id", (int, str), where): file_name(entry, where)
        for where, entry in entries(source, content, "images")
    }
    boxes: dict[Any, list[list[float]]] = {image: [] for image in images}
    labels: dict[Any, list[int]] = {image: [] for image in images}
    for where, entry in entries(source, content, "annotations"):
        if entry.get("iscrowd"):
            continue
        image = known(entry, "image_id", images, where)
        name = names[known(entry, "category_id", names, where)]
        if name not in classes:
            models = ", ".join(classes)
            raise DatasetError(f"{where}: the model knows no {name!r}, only {models}")
        boxes[image].append(corners(entry, where))
        labels[image].append(classes.index(name))
    return [
        _sample(folder, name, Detections.truth(boxes[image], labels[image]))
        for image, name in images.items()
    ]


def _sample(folder: Path, name: str, truth: Detections) -> Sample:
    path = folder / "images" / name
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; {folder / ANNOTATIONS} names it")
    return Sample(path, folder / "templates" / name, truth)
