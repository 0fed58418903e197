"""COCO: one JSON file for the whole folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from inference_worker.engine.coco_entries import (
    Entry,
    corners,
    entries,
    file_name,
    get,
    is_number,
    known,
    leads_out,
    load,
)
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.visible import quoted
from inference_worker.training.datasets.labels import (
    Box,
    Claim,
    Labels,
    Tree,
    check_class,
    check_count,
    subfolder,
)

ROBOFLOW = "_annotations.coco.json"


def sources(annotations: Path) -> list[Path]:
    """The JSON files of an `annotations/` folder."""
    return sorted(
        path
        for path in annotations.iterdir()
        if path.suffix.lower() == ".json" and not path.name.startswith(".")
    )


def read(folder: Path, source: Path) -> Labels:
    """What the file says, every fault of an entry as a remark.

    Boxes of a crowd (`iscrowd`) are left out. DatasetError when the file as a whole
    makes no sense.
    """
    content = load(source, folder)
    labels = Labels()
    names = _categories(labels, source, content)
    claims = _images(labels, source, content, _tree(folder, source))
    _annotations(labels, source, content, names, claims)
    return labels


def _tree(folder: Path, source: Path) -> Tree:
    beside = source.name == ROBOFLOW
    return Tree(folder if beside else subfolder(folder, "images") or folder)


def _categories(labels: Labels, source: Path, content: Entry) -> dict[Any, str]:
    names: dict[Any, str] = {}
    found = entries(source, content, "categories")
    check_count(found, str(source))
    for where, entry in found:
        key = get(entry, "id", (int, str), where)
        if key in names:
            raise DatasetError(f"{where}: id {quoted(key)} is there twice")
        name = names[key] = check_class(get(entry, "name", str, where), where)
        parent = entry.get("supercategory")
        if isinstance(parent, str) and parent != name:
            labels.roots.add(parent)
    labels.classes = list(dict.fromkeys(names.values()))
    labels.roots &= set(labels.classes)
    return names


def _images(
    labels: Labels, source: Path, content: Entry, tree: Tree
) -> dict[Any, Claim | None]:
    """The claim of each image id; None for an entry that is refused."""
    claims: dict[Any, Claim | None] = {}
    files: dict[Path | str, Claim] = {}
    for where, entry in entries(source.name, content, "images"):
        said = str(entry.get("file_name") or source.name)
        with labels.noticing(said, "bad_label"):
            key = get(entry, "id", (int, str), where)
            claim = _claim(labels, entry, where, tree, files)
            if key in claims:
                _twice(labels, claims[key], claim, f"{where}: id {quoted(key)}")
            claims.setdefault(key, claim)
    used = {claim.path for claim in files.values()}
    images = tree.images().items() if tree.root.name.lower() == "images" else ()
    labels.unlisted({name for name, path in images if path not in used})
    return claims


def _claim(
    labels: Labels, entry: Entry, where: str, tree: Tree, files: dict[Path | str, Claim]
) -> Claim | None:
    name = get(entry, "file_name", str, where)
    if leads_out(name):
        with labels.noticing(name or where, "leads_out"):
            file_name(entry, where)
        return None
    key = PurePosixPath(name.replace("\\", "/")).as_posix()
    path = tree.find(key) or tree.find(key.removeprefix("images/"))
    claim = files.get(path or key)
    if claim:
        labels.fatal(claim.file, "duplicate", f"{where} names it a second time")
        return claim
    claim = files[path or key] = Claim(name, path, _size(entry, where))
    labels.claims.append(claim)
    return claim


def _twice(
    labels: Labels, first: Claim | None, second: Claim | None, text: str
) -> None:
    for claim in (first, second):
        if claim is not None and first is not second:
            labels.fatal(claim.file, "duplicate", f"{text} is there twice")


def _size(entry: Entry, where: str) -> tuple[int, int] | None:
    """None when the file does not tell, as some tools write it: absent, null or 0."""
    width, height = entry.get("width") or 0, entry.get("height") or 0
    if not is_number(width) or not is_number(height):
        raise DatasetError(f"{where}: width and height must be numbers")
    return (round(width), round(height)) if width > 0 and height > 0 else None


def _annotations(
    labels: Labels,
    source: Path,
    content: Entry,
    names: dict[Any, str],
    claims: dict[Any, Claim | None],
) -> None:
    for where, entry in entries(source.name, content, "annotations"):
        with labels.noticing(source.name, "unknown_image"):
            claim = claims[_image_of(entry, claims, where)]
            if claim is not None:
                _annotation(labels, claim, entry, names, where)


def _image_of(entry: Entry, claims: dict[Any, Claim | None], where: str) -> Any:
    known(entry, "image_id", claims, where)
    return entry["image_id"]


def _annotation(
    labels: Labels, claim: Claim, entry: Entry, names: dict[Any, str], where: str
) -> None:
    if entry.get("iscrowd"):
        labels.note(claim.file, "crowd", f"{where} is a crowd; left out")
        return
    with labels.noticing(claim.file, "unknown_class"):
        name = names[_category_of(entry, names, where)]
        with labels.noticing(claim.file, "bad_box"):
            left, top, right, bottom = corners(entry, where)
            claim.boxes.append(Box(where, name, (left, top, right, bottom)))


def _category_of(entry: Entry, names: dict[Any, str], where: str) -> Any:
    known(entry, "category_id", names, where)
    return entry["category_id"]
