"""Pascal VOC: one XML file an image, boxes counted from 1 and inclusive."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from inference_worker.engine.coco_entries import leads_out
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.visible import quoted
from inference_worker.training.datasets.labels import (
    Box,
    Claim,
    Labels,
    Tree,
    check_class,
    subfolder,
)
from inference_worker.training.datasets.safe_xml import parse

CORNERS = ("xmin", "ymin", "xmax", "ymax")


def sources(annotations: Path) -> list[Path]:
    return sorted(
        path
        for path in annotations.rglob("*")
        if path.suffix.lower() == ".xml" and not path.name.startswith(".")
    )


class _Pictures:
    """The images, found by name in the folder or, when that is unique, below it."""

    def __init__(self, root: Path) -> None:
        self.tree = Tree(root)
        self.loose: dict[str, set[Path]] = defaultdict(set)
        for name, path in self.tree.images().items():
            for key in (path.name, path.stem, PurePosixPath(name).with_suffix("")):
                self.loose[str(key)].add(path)

    def find(self, said: str, label: Path) -> Path | None:
        """By what the label says, else by what the label is called."""
        found = self.tree.find(said)
        for key in (PurePosixPath(said).name, str(label.with_suffix("")), label.stem):
            if found is None and len(self.loose[key]) == 1:
                (found,) = self.loose[key]
        return found


def read(folder: Path, annotations: Path) -> Labels:
    """What the files say, every fault as a remark; `difficult` boxes are kept."""
    root = subfolder(folder, "jpegimages", "images")
    if root is None:
        raise DatasetError(f"{folder} has {annotations.name}/ but no JPEGImages/")
    labels, pictures = Labels(), _Pictures(root)
    files: dict[Path, Claim] = {}
    for path in sources(annotations):
        where = path.relative_to(folder).as_posix()
        with labels.noticing(where, "bad_label"):
            name = path.relative_to(annotations)
            _read_one(labels, files, pictures, parse(path, folder), name, where)
    labels.classes = sorted({box.name for one in labels.claims for box in one.boxes})
    images = pictures.tree.images().items()
    labels.unlisted({name for name, path in images if path not in files})
    return labels


def _read_one(
    labels: Labels,
    files: dict[Path, Claim],
    pictures: _Pictures,
    root: Element,
    label: Path,
    where: str,
) -> None:
    said = _text(root, "filename").replace("\\", "/")
    if said and leads_out(said):
        labels.fatal(
            where, "leads_out", f"filename {quoted(said)} leads out of the folder"
        )
        return
    path = pictures.find(said, label)
    if path in files:
        labels.fatal(files[path].file, "duplicate", f"{where} labels it a second time")
        return
    file = path.relative_to(pictures.tree.root).as_posix() if path else said or where
    claim = Claim(file, path)
    labels.claims.append(claim)
    if path:
        files[path] = claim
    with labels.noticing(file, "bad_label"):
        claim.size = _size(root, where)
    for i, entry in enumerate(root.iterfind("object"), 1):
        at = f"{where} object {i}"
        with labels.noticing(file, "bad_class"):
            name = _name(entry, at)
            with labels.noticing(file, "bad_box"):
                claim.boxes.append(Box(at, name, _corners(entry, at)))


def _text(element: Element, field: str) -> str:
    return (element.findtext(field) or "").strip()


def _size(root: Element, where: str) -> tuple[int, int] | None:
    """None when the file does not tell, as some tools write it: absent or 0."""
    said = [_text(root, f"size/{side}") or "0" for side in ("width", "height")]
    try:
        width, height = (round(float(side)) for side in said)
    except (ValueError, OverflowError) as error:
        text = quoted(" x ".join(said))
        raise DatasetError(f"{where}: size is {text}") from error
    return (width, height) if width > 0 and height > 0 else None


def _name(entry: Element, where: str) -> str:
    name = _text(entry, "name")
    if not name:
        raise DatasetError(f"{where}: name is missing")
    return check_class(name, where)


def _corners(entry: Element, where: str) -> tuple[float, float, float, float]:
    """From 1-based inclusive pixels: the first pixel's box is 0, 0, 1, 1."""
    said = [_text(entry, f"bndbox/{side}") for side in CORNERS]
    try:
        left, top, right, bottom = map(float, said)
    except ValueError as error:
        given = quoted(", ".join(said))
        raise DatasetError(f"{where}: bndbox {given} is not four numbers") from error
    return left - 1, top - 1, right, bottom
