"""Drawn boards on disk, and the boxes that a detector would have found on them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tests.dashboards.factories import media_path
from traceability.demo.boards import CLASSES, draw_product_photo
from traceability.inspection.models import Defect

SEED = 11


@dataclass
class Photo:
    file: str
    width: int
    height: int
    size: int
    boxes: list
    classes: dict

    def defects(self, inspection):
        return [
            Defect(
                inspection=inspection,
                defect_class=self.classes[box.category],
                score=0.97 - 0.04 * n,
                x=box.x,
                y=box.y,
                width=box.width,
                height=box.height,
                relative_x=box.x / self.width,
                relative_y=box.y / self.height,
                relative_width=box.width / self.width,
                relative_height=box.height / self.height,
            )
            for n, box in enumerate(self.boxes)
        ]


def draw(rng, classes, good=3, bad=9):
    """Photos of one product: some good ones, and one or two defects on the others."""
    shortlist = [[]] * good + [
        [CLASSES[n % len(CLASSES)], *rng.sample(CLASSES, n % 2)] for n in range(bad)
    ]
    return [_photo(n, chosen, classes) for n, chosen in enumerate(shortlist)]


def _photo(number, chosen, classes):
    sample = draw_product_photo(SEED, chosen, np.random.default_rng(number))
    name = f"2026/01/01/photo-{number}"
    done, data = cv2.imencode(".jpg", cv2.cvtColor(sample.image, cv2.COLOR_RGB2BGR))
    assert done
    media_path(name).write_bytes(data.tobytes())
    height, width = sample.image.shape[:2]
    return Photo(name, width, height, data.size, sample.boxes, classes)
