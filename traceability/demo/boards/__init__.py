"""Draw printed circuit boards, plant defects in them, photograph them.

Pure numpy and OpenCV, and the same pictures for the same generator state.
"""

from __future__ import annotations

from traceability.demo.boards.camera import Camera, photograph, random_camera
from traceability.demo.boards.defects import plant
from traceability.demo.boards.habits import Habit, Size
from traceability.demo.boards.ingredients import ALL, SCANNER_ONLY, Ingredients
from traceability.demo.boards.model import (
    CLASSES,
    Box,
    Sample,
    Style,
    random_style,
)
from traceability.demo.boards.photos import planted
from traceability.demo.boards.planting import Planting, plant_on_photo
from traceability.demo.boards.samples import draw_product_photo, draw_sample
from traceability.demo.boards.template import draw_template

__all__ = [
    "ALL",
    "CLASSES",
    "Box",
    "Camera",
    "Habit",
    "Ingredients",
    "Planting",
    "SCANNER_ONLY",
    "Sample",
    "Size",
    "Style",
    "draw_product_photo",
    "draw_sample",
    "draw_template",
    "photograph",
    "plant",
    "plant_on_photo",
    "planted",
    "random_camera",
    "random_style",
]
