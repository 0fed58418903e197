"""Small labelled folders, written as the tools write them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np

WIDTH, HEIGHT = 60, 40


def picture(seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return noise.astype(np.uint8)


def write_image(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


def turned_jpeg(pixels: np.ndarray, orientation: int) -> bytes:
    entry = struct.pack("<HHIHH", 274, 3, 1, orientation, 0)
    payload = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    data: bytes = cv2.imencode(".jpg", pixels)[1].tobytes()
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    return data[:2] + segment + data[2:]


def coco(folder: Path, names: tuple[str, ...] = ("a.png", "b.png")) -> dict[str, Any]:
    """Images and their content; `put` writes the JSON once the test has changed it."""
    for i, name in enumerate(names):
        write_image(folder / "images" / name, picture(i))
    return {
        "categories": [{"id": 3, "name": "dent"}, {"id": 1, "name": "scratch"}],
        "images": [
            {"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT}
            for i, name in enumerate(names)
        ],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [10, 5, 20, 10]}
            for i in range(len(names))
        ],
    }


def put(folder: Path, content: dict[str, Any], name: str = "annotations.json") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps(content, ensure_ascii=False).encode())
    return folder


def voc_xml(filename: str, *boxes: tuple[str, object, object, object, object]) -> str:
    objects = "".join(
        f"<object><name>{name}</name><difficult>1</difficult><bndbox><xmin>{x0}</xmin>"
        f"<ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, x0, y0, x1, y1 in boxes
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    return f"<annotation><filename>{filename}</filename>{size}{objects}</annotation>"


def voc(folder: Path, images: str = "JPEGImages", labels: str = "Annotations") -> Path:
    write_image(folder / images / "a.png", picture(1))
    write_image(folder / images / "b.png", picture(2))
    (folder / labels).mkdir()
    (folder / labels / "a.xml").write_text(voc_xml("a.png", ("spot", 1, 1, 60, 40)))
    (folder / labels / "b.xml").write_text(
        voc_xml("b.png", ("dent", 11, 6, 11, 6), ("spot", 2, 3, 20, 30))
    )
    return folder


def yolo(folder: Path) -> Path:
    for i, name in enumerate(("a.png", "sub/b.png", "normal.png")):
        write_image(folder / "images" / name, picture(i))
    (folder / "labels" / "sub").mkdir(parents=True)
    (folder / "labels" / "a.txt").write_text("1 0.5 0.5 0.5 0.25\n")
    (folder / "labels" / "sub" / "b.txt").write_bytes(
        b"\xef\xbb\xbf0 0.1 0.1 0.9 0.1 0.5 0.75\r\n\r\n"
    )
    (folder / "data.yaml").write_text("path: ../x\nnames: ['dent', scratch]\nnc: 2\n")
    return folder
