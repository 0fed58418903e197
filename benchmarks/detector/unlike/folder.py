"""Drawing the sets on all cores into COCO folders."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.detector.unlike.scene import UnlikeSet

PARTS = ("train", "test")
QUALITY = 92


@dataclass(frozen=True, slots=True)
class Task:
    """One image to be drawn: image number `index` of a part."""

    kind: UnlikeSet
    part: str
    index: int
    seed: int
    folder: Path

    @property
    def file_name(self) -> str:
        return f"{self.kind.name}{self.index:05d}{self.kind.suffix}"


Drawn = tuple[int, int, list[tuple[list[int], int]]]
"""Width, height, annotations."""


def write_sets(
    folder: Path, kinds: Sequence[UnlikeSet], seed: int, share: float, workers: int
) -> dict[Path, int]:
    """Write `folder/<set>/<part>`; how many boxes each part got.

    The same seed gives the same pixels, whatever the number of workers; `share` below 1
    draws only the first of the images, at least one of each part.
    """
    tasks = [task for kind in kinds for task in _tasks(folder, kind, seed, share)]
    for part in {task.folder for task in tasks}:
        (part / "images").mkdir(parents=True, exist_ok=True)
    with get_context("spawn").Pool(workers) as pool:
        drawn = pool.map(_draw, tasks, chunksize=4)
    return _annotate(zip(tasks, drawn, strict=True))


def _tasks(folder: Path, kind: UnlikeSet, seed: int, share: float) -> list[Task]:
    counts = zip(PARTS, (kind.train, kind.test), strict=True)
    return [
        Task(kind, part, index, seed, folder / kind.name / part)
        for part, count in counts
        for index in range(max(1, round(count * share)))
    ]


def _draw(task: Task) -> Drawn:
    cv2.setNumThreads(1)
    words = [task.seed, zlib.crc32(task.kind.name.encode()), PARTS.index(task.part)]
    scene = task.kind.draw(np.random.default_rng([*words, task.index]))
    path = task.folder / "images" / task.file_name
    quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if path.suffix == ".jpg" else []
    if not cv2.imwrite(str(path), scene.image, quality):
        raise OSError(f"{path} cannot be written")
    height, width = scene.image.shape[:2]
    return width, height, scene.annotations()


def _annotate(drawn: Iterable[tuple[Task, Drawn]]) -> dict[Path, int]:
    by_part: dict[Path, list[tuple[Task, Drawn]]] = {}
    for task, result in drawn:
        by_part.setdefault(task.folder, []).append((task, result))
    for folder, some in by_part.items():
        content = json.dumps(_coco(some), indent=1)
        (folder / "annotations.json").write_text(content + "\n")
    return {
        folder: sum(len(result[2]) for _, result in some)
        for folder, some in by_part.items()
    }


def _coco(some: Sequence[tuple[Task, Drawn]]) -> dict[str, Any]:
    classes = some[0][0].kind.classes
    boxes = [(i, *one) for i, (_, drawn) in enumerate(some, 1) for one in drawn[2]]
    return {
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes, 1)],
        "images": [
            {"id": i, "file_name": task.file_name, "width": width, "height": height}
            for i, (task, (width, height, _)) in enumerate(some, 1)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": label + 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for number, (image, box, label) in enumerate(boxes, 1)
        ],
    }
