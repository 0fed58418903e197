"""Labelled folders for a live model that has to learn a seventh class of defect.

    python -m benchmarks.detector.seventh FOLDER [--count 200] [--seed 7] [--only-new]

`new/` and `new-test/` show scratches and, without `--only-new`, 0 to 4 of the six old
defects; `golden/` and `replay/` are boards as the live model was trained on. All are
COCO folders without templates, all of seeds of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.detector.scratch import SCRATCH, scratched
from traceability.demo.boards import (
    CLASSES,
    Box,
    draw_product_photo,
    draw_sample,
    draw_template,
    photograph,
    plant,
    random_camera,
    random_style,
)
from traceability.demo.boards.camera import moved_boxes
from traceability.demo.boards.finish import bare_pads
from traceability.demo.boards.habits import NEVER_ROUND
from traceability.demo.boards.model import Image
from traceability.demo.boards.wear import dusted, etched

Rng = np.random.Generator

NEW, NEW_TEST, GOLDEN, REPLAY = PARTS = ("new", "new-test", "golden", "replay")
OTHERS = {NEW_TEST: 100, GOLDEN: 100, REPLAY: 300}  # images
SEVEN = (*CLASSES, SCRATCH)
_PRODUCTS = 0.18  # of the photos look as the demo factory's do, as in `draw_sample`
_MOST_OLD = 4  # defects of the six old classes beside the scratches
_MOST = 3  # scratches of an image


@dataclass(frozen=True)
class Task:
    """Image number `index` (from 0) of a part."""

    folder: Path
    part: str
    index: int
    seed: int
    only_new: bool = False

    @property
    def path(self) -> Path:
        return self.folder / self.part / "images" / f"{self.index + 1:06d}.png"


Labelled = tuple[tuple[int, int], list[Box]]  # (width, height), boxes


def write_folders(
    folder: Path,
    count: int,
    seed: int,
    *,
    only_new: bool = False,
    others: dict[str, int] | None = None,
    workers: int = 0,
) -> dict[str, int]:
    """Draw the four folders into `folder`; how many images each part got.

    `others` are the images of the parts beside `new`. The same seed gives the same
    pixels, whatever the number of `workers` (0: all cores).
    """
    counts = {NEW: count, **(OTHERS if others is None else others)}
    tasks = [
        Task(folder, part, index, seed, only_new)
        for part, images in counts.items()
        for index in range(images)
    ]
    for part in counts:
        (folder / part / "images").mkdir(parents=True, exist_ok=True)
    with get_context("spawn").Pool(workers or os.cpu_count() or 1) as pool:
        drawn = pool.map(_draw, tasks, chunksize=4)
    for part in counts:
        pairs = zip(tasks, drawn, strict=True)
        _annotate(folder / part, [(t, one) for t, one in pairs if t.part == part])
    return counts


def draw_new(rng: Rng, *, only_new: bool = False) -> tuple[Image, list[Box]]:
    """A photo (640, 640, 3) with 1 to 3 scratches, and every box on it."""
    old = 0 if only_new else int(rng.integers(_MOST_OLD + 1))
    classes = [CLASSES[i] for i in rng.integers(len(CLASSES), size=old)]
    photo, boxes, two_levels = _board(classes, rng)
    count = int(rng.integers(1, _MOST + 1))
    photo, scratches = scratched(photo, count, boxes, rng, two_levels=two_levels)
    return photo, [*boxes, *scratches]


def _board(classes: Sequence[str], rng: Rng) -> tuple[Image, list[Box], bool]:
    """Any board with these defects: photo, boxes, whether it is black and white."""
    if rng.random() < _PRODUCTS:
        sample = draw_product_photo(int(rng.integers(2**31)), classes, rng)
        return sample.image, sample.boxes, False
    style = random_style(rng)
    clean = draw_template(rng, style)
    mask, boxes = plant(etched(clean, rng, style), classes, rng, habit=NEVER_ROUND)
    camera = random_camera(rng)
    bare = bare_pads(clean, style.unit) if camera.pads else None
    photo = photograph(dusted(mask, rng), rng, camera, bare)
    return photo, moved_boxes(boxes, camera, mask.shape), camera.look == "binary"


def _draw(task: Task) -> Labelled:
    cv2.setNumThreads(1)
    rng = np.random.default_rng((task.seed, PARTS.index(task.part), task.index))
    if task.part in (NEW, NEW_TEST):
        photo, boxes = draw_new(rng, only_new=task.only_new)
    else:
        sample = draw_sample(rng)
        photo, boxes = sample.image, sample.boxes
    if not cv2.imwrite(str(task.path), photo[..., ::-1]):
        raise OSError(f"{task.path} cannot be written")
    return (photo.shape[1], photo.shape[0]), boxes


def _annotate(folder: Path, drawn: Sequence[tuple[Task, Labelled]]) -> None:
    new = folder.name in (NEW, NEW_TEST)
    boxes = [(i, box) for i, (_, (_, some)) in enumerate(drawn, 1) for box in some]
    content = {
        "categories": [
            {"id": i, "name": name}
            for i, name in enumerate(SEVEN if new else CLASSES, 1)
        ],
        "images": [
            {"id": i, "file_name": task.path.name, "width": size[0], "height": size[1]}
            for i, (task, (size, _)) in enumerate(drawn, 1)
        ],
        "annotations": [_entry(n, *one) for n, one in enumerate(boxes, 1)],
    }
    (folder / "annotations.json").write_text(json.dumps(content))


def _entry(number: int, image: int, box: Box) -> dict[str, Any]:
    corners = (box.x, box.y, box.width, box.height)
    return {
        "id": number,
        "image_id": image,
        "category_id": SEVEN.index(box.category) + 1,
        "bbox": [round(value, 2) for value in corners],
        "area": round(box.width * box.height, 2),
        "iscrowd": 0,
    }


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.detector.seventh")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200, help="images in new/")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--only-new", action="store_true", help="no old defects in new/"
    )
    args = parser.parse_args()
    began = time.monotonic()
    written = write_folders(args.folder, args.count, args.seed, only_new=args.only_new)
    for part, images in written.items():
        print(f"{args.folder / part}: {images} images")
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
