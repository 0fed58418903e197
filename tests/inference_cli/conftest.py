from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_worker.commands import models
from tests.engine.toy import CELL, CLASSES, board, paint, write_toy


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh site: the toy is what ships, and nothing was adopted yet."""
    source = tmp_path / "shipped"
    write_toy(source)
    monkeypatch.setattr(models, "SHIPPED", source)
    monkeypatch.setenv("CAUSELINE_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("INFERENCE_PRECISION_HINT", "f32")
    return source


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Four boards: each class once, and one without a defect. All are found."""
    folder = tmp_path / "coco"
    (folder / "images").mkdir(parents=True)
    annotations = []
    for i in range(4):
        image = board()
        if i < 3:
            paint(image, i, left=CELL * i, top=CELL)
            box = [CELL * i, CELL, CELL, CELL]
            annotations.append({"image_id": i, "category_id": i, "bbox": box})
        write_image(folder / "images" / f"{i}.png", image)
    content = {
        "categories": [{"id": i, "name": name} for i, name in enumerate(CLASSES)],
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(4)],
        "annotations": annotations,
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def write_image(path: Path, image: np.ndarray) -> Path:
    cv2.imwrite(str(path), image[..., ::-1])
    return path
