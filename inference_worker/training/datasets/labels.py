"""What the labels of a folder say, before any image is opened."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from inference_worker.engine.errors import DatasetError, LeadsOut
from inference_worker.engine.label_files import read_label
from inference_worker.engine.manifest import check_class_name
from inference_worker.engine.visible import quoted
from inference_worker.training.datasets.records import Remark

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
MAX_BYTES = 4 * 2**20
"""Of one label file: tens of thousands of boxes."""
MAX_CLASSES = 1000
MOST_A_FILE = 1000
"""Remarks on one file; somebody may have labelled every byte of it wrong."""


@dataclass(frozen=True, slots=True)
class Box:
    """One drawn box: left, top, right, bottom in pixels, or as shares of the image."""

    where: str
    name: str
    corners: tuple[float, float, float, float]
    relative: bool = False


@dataclass(slots=True)
class Claim:
    """One image as its labels describe it; `path` is None when it is not there.

    `file` is its name as people wrote it, relative to the image folder; `size` is the
    width and height that the labels claim.
    """

    file: str
    path: Path | None
    size: tuple[int, int] | None = None
    boxes: list[Box] = field(default_factory=list)


@dataclass(slots=True)
class Labels:
    """All of a folder; `roots` are classes that others name as their parent."""

    classes: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    roots: set[str] = field(default_factory=set)
    _count: Counter[tuple[str, bool]] = field(default_factory=Counter, init=False)

    def fatal(self, file: str, code: str, text: str) -> None:
        self._add(Remark(file, code, text, fatal=True))

    def note(self, file: str, code: str, text: str) -> None:
        self._add(Remark(file, code, text))

    def _add(self, remark: Remark) -> None:
        kind = remark.file, remark.fatal
        self._count[kind] += 1
        if not remark.file or self._count[kind] <= MOST_A_FILE:
            self.remarks.append(remark)

    @contextmanager
    def noticing(self, file: str, code: str) -> Iterator[None]:
        """A DatasetError inside becomes a fatal remark, and reading goes on."""
        try:
            yield
        except LeadsOut as error:
            self.fatal(file, "leads_out", str(error))
        except DatasetError as error:
            self.fatal(file, code, str(error))

    def unlisted(self, names: set[str]) -> None:
        for name in sorted(names):
            self.note(name, "unlisted_image", "no label names it; left out")


class Tree:
    """The files below a folder, found by the name that a label gives.

    Names compare as people read them: composed or decomposed accents are the same.
    Hidden files do not exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {
            path.relative_to(root).as_posix(): path
            for path in sorted(root.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
        self._composed = {_composed(name): path for name, path in self.files.items()}

    def find(self, name: str) -> Path | None:
        found = self.files.get(name) or self._composed.get(_composed(name))
        return found or self._linked(name)

    def _linked(self, name: str) -> Path | None:
        """In a folder that is a link; those are not walked, as they may go round."""
        try:
            return self.root / name if (self.root / name).is_file() else None
        except OSError:
            return None

    def images(self) -> dict[str, Path]:
        """Those whose suffix says that they are pictures."""
        return {
            name: path
            for name, path in self.files.items()
            if path.suffix.lower() in IMAGE_SUFFIXES
        }


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def subfolder(folder: Path, *names: str) -> Path | None:
    """The first of these names that is a folder in it, in whatever case."""
    paths = sorted(folder.iterdir(), reverse=True)
    inside = {path.name.lower(): path for path in paths if path.is_dir()}
    found = [inside[name] for name in names if name in inside]
    return found[0] if found else None


def text_of(path: Path, folder: Path, most: int = MAX_BYTES) -> str:
    """The text of a label file of `folder`, its byte order mark dropped."""
    where = path.relative_to(folder).as_posix()
    try:
        return read_label(path, folder, most, where).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{where} is not UTF-8", "Save it as UTF-8.") from error


def check_class(name: str, where: str) -> str:
    """The name itself; DatasetError for one that no model may give a class."""
    why = check_class_name(name)
    if why:
        raise DatasetError(f"{where}: class name {quoted(name)} {why}")
    return name


def check_count(names: Sequence[object], source: str) -> None:
    if len(names) > MAX_CLASSES:
        raise DatasetError(
            f"{source} names {len(names):,} classes; at most {MAX_CLASSES:,}",
            "Check that it is a list of classes; keep those that are to be found.",
        )
