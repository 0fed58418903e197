from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.importing.foreign import NAMES


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    cv2.imwrite(str(file), np.zeros((64, 64, 3), np.uint8))
    return file


@pytest.fixture
def coco(tmp_path: Path, photo: Path) -> Path:
    """Two photos with a short where every foreign network finds one."""
    folder = tmp_path / "coco"
    (folder / "images").mkdir(parents=True)
    for i in range(2):
        (folder / "images" / f"{i}.png").write_bytes(photo.read_bytes())
    box = {"category_id": 1, "bbox": [22, 27, 20, 10]}
    content = {
        "categories": [{"id": i, "name": name} for i, name in enumerate(NAMES)],
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(2)],
        "annotations": [{"image_id": i, **box} for i in range(2)],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder
