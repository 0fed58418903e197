"""YOLO: one text file an image; class, centre, width and height as shares of it."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.visible import quoted
from inference_worker.training.datasets.labels import (
    Box,
    Claim,
    Labels,
    Tree,
    subfolder,
    text_of,
)
from inference_worker.training.datasets.names import names_in_lines, names_in_yaml

YAML = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")
CLASSES = "classes.txt"
NAMES_BYTES = 2**20


def sources(labels: Path) -> list[Path]:
    return sorted(
        path
        for path in labels.rglob("*.txt")
        if path.name != CLASSES and not path.name.startswith(".")
    )


def read(folder: Path, source: Path) -> Labels:
    """What the files say, every fault as a remark; no file means no box.

    A polygon becomes the box around it.
    """
    root = subfolder(folder, "images")
    if root is None:
        raise DatasetError(f"{folder} has {source.name}/ but no images/")
    labels = Labels(classes=_names(folder, source))
    left = {path.relative_to(source).as_posix(): path for path in sources(source)}
    for name, path in Tree(root).images().items():
        claim = Claim(name, path)
        labels.claims.append(claim)
        label = left.get(_label_of(name))
        if label:
            _read_one(labels, claim, label, folder)
    _left_over(labels, source, left)
    return labels


def _label_of(name: str) -> str:
    return PurePosixPath(name).with_suffix(".txt").as_posix()


def _left_over(labels: Labels, source: Path, left: dict[str, Path]) -> None:
    used = {_label_of(claim.file) for claim in labels.claims}
    for name in sorted(set(left) - used):
        file = f"{source.name}/{name}"
        labels.fatal(file, "missing_image", "images/ has no image of this name")


def _names(folder: Path, source: Path) -> list[str]:
    for name in YAML:
        if os.path.lexists(folder / name):
            text = text_of(folder / name, folder, NAMES_BYTES)
            return names_in_yaml(text, name)
    for path in (folder / CLASSES, source / CLASSES):
        if os.path.lexists(path):
            return names_in_lines(text_of(path, folder, NAMES_BYTES), path.name)
    raise DatasetError(
        f"{folder} has {source.name}/ but does not name its classes",
        "Put data.yaml (with names:) or classes.txt into it.",
    )


def _read_one(labels: Labels, claim: Claim, path: Path, folder: Path) -> None:
    where = path.relative_to(folder).as_posix()
    with labels.noticing(claim.file, "bad_label"):
        for i, line in enumerate(text_of(path, folder).splitlines(), 1):
            if line.strip():
                _read_line(labels, claim, line.split(), f"{where} line {i}")


def _read_line(labels: Labels, claim: Claim, words: list[str], where: str) -> None:
    with labels.noticing(claim.file, "unknown_class"):
        name = _class(words[0], labels.classes, where)
        with labels.noticing(claim.file, "bad_box"):
            corners = _corners([_number(word, where) for word in words[1:]], where)
            claim.boxes.append(Box(where, name, corners, relative=True))


def _class(word: str, names: list[str], where: str) -> str:
    digits = word.lstrip("0") or word[-1:]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        number = len(names)
    else:
        number = int(digits)
    if number >= len(names):
        said = f"class {quoted(word)} is none of 0 to {len(names) - 1}"
        raise DatasetError(f"{where}: {said}")
    return names[number]


def _number(word: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DatasetError(f"{where}: {quoted(word)} is not a number")
    return value


def _corners(values: list[float], where: str) -> tuple[float, float, float, float]:
    if len(values) == 4:
        x, y, width, height = values
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    raise DatasetError(
        f"{where}: {len(values)} numbers after the class; expected 4, or a polygon"
    )
