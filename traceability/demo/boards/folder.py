"""Write drawn boards as a COCO folder: what `evaluate` and others read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from traceability.demo.boards.model import CLASSES, Sample
from traceability.demo.boards.samples import draw_product_photo, draw_sample

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def write_folder(folder: Path, samples: Iterator[Sample]) -> int:
    """`annotations.json`, `images/` and `templates/`; says how many images."""
    for name in ("images", "templates"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, sample in enumerate(samples, start=1):
        name = f"{i:06d}.png"
        cv2.imwrite(str(folder / "images" / name), sample.image[..., ::-1])
        cv2.imwrite(str(folder / "templates" / name), sample.template_image[..., ::-1])
        height, width = sample.image.shape[:2]
        images.append({"id": i, "file_name": name, "width": width, "height": height})
        annotations.extend(_annotations(sample, i, len(annotations)))
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASSES, start=1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return len(images)


def training_samples(count: int, seed: int) -> Iterator[Sample]:
    """Samples as training sees them; the i-th depends on (seed, i) only."""
    for i in range(count):
        yield draw_sample(np.random.default_rng((seed, i)))


def product_photos(count: int, seed: int, products: int = 4) -> Iterator[Sample]:
    """Photos of a few products by turns, each with 0 to 2 defects."""
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        classes = [CLASSES[k] for k in rng.integers(len(CLASSES), size=i % 3)]
        yield draw_product_photo(1 + i % products, classes, rng)


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder by name; ValueError when there is none."""
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() in _PICTURES)
    if not found:
        raise ValueError(f"{folder} holds no PNG, JPEG or BMP picture of a clean board")
    return found


def _annotations(sample: Sample, image_id: int, before: int) -> list[dict[str, Any]]:
    return [
        {
            "id": before + i,
            "image_id": image_id,
            "category_id": CLASSES.index(box.category) + 1,
            "bbox": [round(v, 2) for v in (box.x, box.y, box.width, box.height)],
            "area": round(box.width * box.height, 2),
            "iscrowd": 0,
        }
        for i, box in enumerate(sample.boxes, start=1)
    ]
