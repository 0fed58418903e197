"""Which of the three formats a folder holds, told by what lies in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from inference_worker.engine.coco import ANNOTATIONS
from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import coco, voc, yolo
from inference_worker.training.datasets.labels import Labels, check_count, subfolder

Reader = Callable[[Path, Path], Labels]

LOOKED_FOR = (
    "COCO (annotations.json and images/, or _annotations.coco.json beside the images,"
    " or one annotations/*.json), Pascal VOC (Annotations/*.xml and JPEGImages/ or"
    " images/), YOLO (labels/*.txt, images/ and data.yaml or classes.txt)"
)


def read_labels(folder: Path) -> Labels:
    """DatasetError when no format is found, or more than one."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder", "Check the path.")
    found = _found(folder)
    if not found:
        raise DatasetError(f"{folder} holds no labels{_below(folder)}", _hint())
    if len(found) > 1:
        seen = " and ".join(path.relative_to(folder).as_posix() for path, _ in found)
        raise DatasetError(
            f"{folder} holds labels more than once: {seen}",
            "Keep the ones to train on and move the others out of the folder.",
        )
    ((source, reader),) = found
    labels = reader(folder, source)
    check_count(labels.classes, source.name)
    return labels


def _hint() -> str:
    return f"Looked for: {LOOKED_FOR}."


def _found(folder: Path) -> list[tuple[Path, Reader]]:
    found: list[tuple[Path, Reader]] = [
        (folder / name, coco.read)
        for name in (ANNOTATIONS, coco.ROBOFLOW)
        if os.path.lexists(folder / name)
    ]
    annotations = subfolder(folder, "annotations")
    if annotations:
        files = coco.sources(annotations)
        found += [(path, coco.read) for path in files]
        if voc.sources(annotations):
            found.append((annotations, voc.read))
    labels = subfolder(folder, "labels")
    if labels and yolo.sources(labels):
        found.append((labels, yolo.read))
    return found


def _below(folder: Path) -> str:
    """Whether the labels lie one folder further down, as in train/ and valid/."""
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    names = [f"{path.name}/" for path in inside if _found(path)]
    return f"; but {', '.join(names)} would do, one at a time" if names else ""
