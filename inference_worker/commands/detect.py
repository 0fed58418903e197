"""`detect`: the defects in some images, as COCO results."""

from __future__ import annotations

import argparse
import glob
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from inference_worker.commands import models, templates
from inference_worker.commands.main import report
from inference_worker.commands.templates import Templates
from inference_worker.engine.api import Detector
from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import (
    ImageError,
    ImageUnreadable,
    TemplateError,
)
from inference_worker.engine.types import Detections, Image
from inference_worker.progress import shown

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}


log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    models.add_arguments(parser)
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="files, folders or glob patterns"
    )
    templates.add_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(args: argparse.Namespace) -> int:
    """Exit 1 when an image, or its template, could not be used; the others are
    inspected all the same.
    """
    paths = expand(args.images)
    detector = models.open_model(args)
    golden = Templates(detector, args.template)
    found = list(shown(_inspect(detector, paths, golden), len(paths), "inspecting"))
    names = _names(paths)
    rows = [
        row
        for path, detections in found
        if detections is not None
        for row in _rows(names[path], detections, detector.classes)
    ]
    left_out = sum(detections is None for _, detections in found)
    log.info(
        "defects: %d, images: %d, images left out: %d",
        len(rows),
        len(paths) - left_out,
        left_out,
    )
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(_as_text(row))
    return int(left_out > 0)


def expand(words: Sequence[str]) -> list[Path]:
    """Files as given, folders and patterns as the image files in them, by name.

    Raises ImageUnreadable for a word that leads to no file.
    """
    paths: list[Path] = []
    for word in words:
        more = _files(word)
        if not more:
            raise ImageUnreadable(
                f"{word or repr(word)}: no image there", "Check the path."
            )
        paths += more
    return list(dict.fromkeys(paths))


def _files(word: str) -> list[Path]:
    path = Path(word)
    if path.is_file():
        return [path]
    found = map(Path, glob.glob(word, recursive=True))
    inside = path.iterdir() if path.is_dir() else found
    return sorted(one for one in inside if one.suffix.lower() in SUFFIXES)


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """File names as COCO has them; the whole path where two files share a name."""
    count = Counter(path.name for path in paths)
    return {
        path: path.name if count[path.name] == 1 else path.as_posix() for path in paths
    }


def _inspect(
    detector: Detector, paths: Sequence[Path], golden: Templates
) -> Iterator[tuple[Path, Detections | None]]:
    """Each path with what is in it, None for an image that was reported instead."""
    for path in paths:
        try:
            yield path, _look(detector, path, golden.of(path))
        except (ImageError, TemplateError) as error:
            report(error)
            yield path, None


def _look(detector: Detector, path: Path, template: list[Image] | None) -> Detections:
    image = decode_file(path)
    try:
        return detector.infer([image], template)[0]
    except TemplateError as error:
        raise type(error)(f"{path}: {error}", error.hint) from error


def _rows(
    name: str, found: Detections, classes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for category, box, score in zip(
        found.names(classes), found.xywh(), found.scores, strict=True
    ):
        yield {
            "file_name": name,
            "category": category,
            "bbox": [round(float(value), 2) for value in box],
            "score": round(float(score), 4),
        }


def _as_text(row: dict[str, Any]) -> str:
    box = " ".join(f"{value:.1f}" for value in row["bbox"])
    return f"{row['file_name']}\t{row['category']}\t{row['score']:.4f}\t{box}"
