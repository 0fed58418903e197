"""A COCO folder in the layout that Ultralytics reads: text labels beside images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from inference_worker.engine.coco import ANNOTATIONS, Sample, read_coco
from inference_worker.engine.headers import read_header


def class_names(coco: Path) -> list[str]:
    """In the order in which `annotations.json` lists them."""
    content = json.loads((coco / ANNOTATIONS).read_bytes())
    return [category["name"] for category in content["categories"]]


def write_yolo(coco: Path, out: Path) -> Path:
    """Copy the folder to `out` and return its `data.yaml`.

    All images train. Ultralytics insists on a validation part: it gets the first image
    that has a box, which costs it no time and tells it nothing.
    """
    names = class_names(coco)
    samples = read_coco(coco, names)
    for sample in samples:
        _write(sample, out, "train")
    _write(next(sample for sample in samples if len(sample.truth)), out, "val")
    data = {
        "path": str(out.resolve()),
        "train": "images/train",
        "val": "images/val",
        "names": dict(enumerate(names)),
    }
    (out / "data.yaml").write_text(json.dumps(data))  # JSON is YAML
    return out / "data.yaml"


def _write(sample: Sample, out: Path, part: str) -> None:
    images, labels = out / "images" / part, out / "labels" / part
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    shutil.copy(sample.path, images / sample.path.name)
    (labels / f"{sample.path.stem}.txt").write_text("\n".join(_lines(sample)))


def _lines(sample: Sample) -> list[str]:
    """Class, middle, width and height as shares of the image, a box a line."""
    header = read_header(sample.path.read_bytes())
    size = (header.width, header.height)
    lines = []
    for box, label in zip(sample.truth.boxes, sample.truth.class_ids, strict=True):
        middle = (box[:2] + box[2:]) / 2 / size
        extent = (box[2:] - box[:2]) / size
        lines.append(" ".join([str(label), *(f"{v:.6f}" for v in (*middle, *extent))]))
    return lines
