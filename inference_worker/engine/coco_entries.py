"""One COCO file, entry by entry: each is checked on its own and told where it stands.

Whoever wants the first fault only lets the DatasetError pass (`coco.read_coco`);
whoever wants all of them catches it entry by entry (`training.datasets`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.label_files import read_label
from inference_worker.engine.visible import quoted

Entry = Mapping[str, Any]

MAX_BYTES = 128 * 2**20
"""Over a million boxes; more would take gigabytes of memory to read."""
FAR = 1e9
"""Pixels that no image has, and float32 still holds."""


def load(path: Path, folder: Path) -> Entry:
    """The file's outermost object; a byte order mark is fine.

    DatasetError for a file that is not JSON, above MAX_BYTES, or not in the folder.
    """
    try:
        content = json.loads(read_label(path, folder, MAX_BYTES, str(path)))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: expected an object with images and annotations")
    return content


def entries(source: Path | str, content: Entry, field: str) -> list[tuple[str, Entry]]:
    """Each entry with the words that say where it stands."""
    found = content.get(field)
    if not isinstance(found, list):
        raise DatasetError(f"{source}: expected a list of {field}")
    for i, entry in enumerate(found):
        if not isinstance(entry, dict):
            raise DatasetError(f"{source}: {field}[{i}] is not an object")
    return [(f"{source}: {field}[{i}]", entry) for i, entry in enumerate(found)]


def get(entry: Entry, field: str, kind: Any, where: str) -> Any:
    """The field's value, of that type (or one of those types)."""
    if not isinstance(entry.get(field), kind):
        raise DatasetError(f"{where}: {field} is missing or of the wrong kind")
    return entry[field]


def known(entry: Entry, field: str, names: Mapping[Any, Any], where: str) -> Any:
    """An id that the same file declares."""
    value = get(entry, field, (int, str), where)
    if value not in names:
        raise DatasetError(
            f"{where}: {field} {quoted(value)} names nothing in this file"
        )
    return value


def file_name(entry: Entry, where: str) -> str:
    """Relative to `images/`, and inside it."""
    name: str = get(entry, "file_name", str, where)
    if leads_out(name):
        raise DatasetError(f"{where}: file_name {quoted(name)} leads out of images/")
    return name


def leads_out(name: str) -> bool:
    """Whether a name, also one written on Windows, may point outside its folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = name[:1].isalpha() and name[1:2] == ":"
    return not name or drive or path.is_absolute() or ".." in path.parts


def corners(entry: Entry, where: str) -> list[float]:
    """Left, top, right, bottom of `bbox`, which must be finite and have an area."""
    box = get(entry, "bbox", list, where)
    if len(box) != 4 or not all(map(is_number, box)):
        raise DatasetError(f"{where}: bbox must be four numbers: x, y, width, height")
    x, y, width, height = map(float, box)
    if width <= 0 or height <= 0:
        raise DatasetError(f"{where}: bbox is {width:.4g} wide and {height:.4g} high")
    found = [x, y, x + width, y + height]
    if max(map(abs, found)) > FAR:
        said = ", ".join(f"{value:.4g}" for value in (x, y, width, height))
        raise DatasetError(f"{where}: bbox ({said}) lies on no image")
    return found


def is_number(value: object) -> bool:
    """Finite as a float, and neither a truth value nor text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
