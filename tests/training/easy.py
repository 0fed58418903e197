"""Pictures on which anybody sees what is meant: rectangles on a grey ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.training.datasets.folders import put, write_image

SHADES = {"red": (230, 30, 30), "blue": (30, 30, 230), "bright": (235, 235, 235)}


def folder(
    root: Path,
    count: int,
    names: Sequence[str] = ("red", "blue"),
    *,
    seed: int = 0,
    size: tuple[int, int] = (64, 64),
    shades: Mapping[str, tuple[int, int, int]] = SHADES,
) -> Path:
    """A COCO folder of `count` pictures, height and width `size`, up to two
    rectangles in each.
    """
    rng = np.random.default_rng(seed)
    images, annotations = [], []
    for i in range(count):
        pixels = rng.normal(120, 6, (*size, 3)).clip(0, 255).astype(np.uint8)
        for left, side in enumerate((0, size[1] // 2)):
            if left and rng.random() < 0.5:
                continue
            name = names[int(rng.integers(len(names)))]
            width, height = (int(n) for n in rng.integers(16, 31, 2))
            x = side + int(rng.integers(0, size[1] // 2 - width + 1))
            y = int(rng.integers(0, size[0] - height + 1))
            pixels[y : y + height, x : x + width] = shades[name][::-1]
            box = {"id": len(annotations), "image_id": i, "bbox": [x, y, width, height]}
            annotations.append(box | {"category_id": names.index(name)})
        file = f"{seed}-{i:03}.png"
        write_image(root / "images" / file, pixels)
        images.append({"id": i, "file_name": file, "width": size[1], "height": size[0]})
    kinds = [{"id": i, "name": name} for i, name in enumerate(names)]
    content = {"images": images, "categories": kinds, "annotations": annotations}
    return put(root, content)
