"""Boards of our own drawing as a labelled folder, for the models that come with us."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2

from inference_worker.training import drawn
from inference_worker.training.settings import Settings
from traceability.demo.boards import CLASSES, Sample

_APART = 1_000_000  # between the seeds of training and of measuring


def write_boards(folder: Path, count: int, seed: int) -> Path:
    """A COCO folder of `count` boards; the i-th depends on (seed, i) only.

    None is one that training draws by the same seed: those a model may know by heart.
    """
    told = Settings(out=folder, drawn=count, seed=_APART + seed)
    return write_samples(folder, drawn.boards(told, drawn.SIZE))


def write_samples(folder: Path, boards: Iterable[Sample]) -> Path:
    """The boards with their templates as a COCO folder, which is given back."""
    for name in ("images", "templates"):
        (folder / name).mkdir(parents=True)
    content: dict[str, list[dict[str, Any]]] = {
        "categories": [{"id": i, "name": name} for i, name in enumerate(CLASSES)],
        "images": [],
        "annotations": [],
    }
    for i, board in enumerate(boards):
        content["images"].append(_write(folder, i, board))
        content["annotations"].extend(_labels(i, board))
    for number, one in enumerate(content["annotations"]):
        one["id"] = number
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def _write(folder: Path, i: int, board: Sample) -> dict[str, Any]:
    name = f"{i:06d}.png"
    pairs = (("images", board.image), ("templates", board.template_image))
    for part, pixels in pairs:
        if not cv2.imwrite(str(folder / part / name), pixels[..., ::-1]):
            raise OSError(f"{folder / part / name} cannot be written")
    height, width = board.image.shape[:2]
    return {"id": i, "file_name": name, "width": width, "height": height}


def _labels(i: int, board: Sample) -> Iterator[dict[str, Any]]:
    for box in board.boxes:
        yield {
            "image_id": i,
            "category_id": CLASSES.index(box.category),
            "bbox": [float(v) for v in (box.x, box.y, box.width, box.height)],
        }
