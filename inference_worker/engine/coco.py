"""Labelled images in a COCO folder: `annotations.json`, `images/`, `templates/`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

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
    content = _load(folder / ANNOTATIONS)
    names = {
        _get(entry, "id", (int, str), where): _get(entry, "name", str, where)
        for where, entry in _entries(folder, content, "categories")
    }
    images = {
        _get(entry, "id", (int, str), where): _file_name(entry, where)
        for where, entry in _entries(folder, content, "images")
    }
    boxes: dict[Any, list[list[float]]] = {image: [] for image in images}
    labels: dict[Any, list[int]] = {image: [] for image in images}
    for where, entry in _entries(folder, content, "annotations"):
        if entry.get("iscrowd"):
            continue
        image = _known(entry, "image_id", images, where)
        name = names[_known(entry, "category_id", names, where)]
        if name not in classes:
            known = ", ".join(classes)
            raise DatasetError(f"{where}: the model knows no {name!r}, only {known}")
        boxes[image].append(_corners(entry, where))
        labels[image].append(classes.index(name))
    return [
        _sample(folder, file_name, Detections.truth(boxes[image], labels[image]))
        for image, file_name in images.items()
    ]


def _load(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: expected an object with images and annotations")
    return content


def _entries(
    folder: Path, content: Mapping[str, Any], field: str
) -> list[tuple[str, Mapping[str, Any]]]:
    """Each entry with the words that say where it stands."""
    path = folder / ANNOTATIONS
    entries = content.get(field)
    if not isinstance(entries, list):
        raise DatasetError(f"{path}: expected a list of {field}")
    for i, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise DatasetError(f"{path}: {field}[{i}] is not an object")
    return [(f"{path}: {field}[{i}]", entry) for i, entry in enumerate(entries)]


def _get(entry: Mapping[str, Any], field: str, kind: Any, where: str) -> Any:
    if not isinstance(entry.get(field), kind):
        raise DatasetError(f"{where}: {field} is missing or of the wrong kind")
    return entry[field]


def _known(
    entry: Mapping[str, Any], field: str, known: Mapping[Any, str], where: str
) -> Any:
    value = _get(entry, field, (int, str), where)
    if value not in known:
        raise DatasetError(f"{where}: {field} {value!r} names nothing in this file")
    return value


def _file_name(entry: Mapping[str, Any], where: str) -> str:
    """Relative to `images/`, and inside it."""
    name: str = _get(entry, "file_name", str, where)
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise DatasetError(f"{where}: file_name {name!r} leads out of images/")
    return name


def _corners(entry: Mapping[str, Any], where: str) -> list[float]:
    box = _get(entry, "bbox", list, where)
    if len(box) != 4 or not all(_is_number(value) for value in box):
        raise DatasetError(f"{where}: bbox must be four numbers: x, y, width, height")
    x, y, width, height = box
    if width <= 0 or height <= 0:
        raise DatasetError(f"{where}: bbox is {width} wide and {height} high")
    return [x, y, x + width, y + height]


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _sample(folder: Path, file_name: str, truth: Detections) -> Sample:
    path = folder / "images" / file_name
    if not path.is_file():
        raise DatasetError(f"{path} does not exist; {folder / ANNOTATIONS} names it")
    return Sample(path, folder / "templates" / file_name, truth)
