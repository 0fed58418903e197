"""Finished samples: for training, and for the products of the demo factory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from traceability.demo.boards.camera import (
    Camera,
    moved_boxes,
    photograph,
    random_camera,
    real_camera,
)
from traceability.demo.boards.defects import plant
from traceability.demo.boards.model import (
    CLASSES,
    Image,
    Mask,
    Sample,
    Style,
    random_style,
)
from traceability.demo.boards.template import draw_template
from traceability.demo.boards.terrain import Terrain, survey
from traceability.demo.boards.wear import etched

Rng = np.random.Generator


def draw_sample(rng: Rng, size: int = 640) -> Sample:
    """One photo for training: any board, any camera, 0 to 12 defects."""
    style = random_style(rng, size)
    clean = draw_template(rng, style)
    worn = etched(clean, rng, style)
    count = 0 if rng.random() < 0.04 else int(rng.integers(3, 13))
    classes = [CLASSES[i] for i in rng.integers(len(CLASSES), size=count)]
    mask, boxes = plant(worn, classes, rng)
    camera = random_camera(rng)
    golden = _nearby(rng, camera)
    template = photograph(etched(clean, rng, style), rng, golden)
    image = photograph(mask, rng, camera)
    return Sample(image, template, moved_boxes(boxes, camera, mask.shape))


def _nearby(rng: Rng, camera: Camera) -> Camera:
    """The same camera at another moment: registration is never perfect."""
    slip = rng.normal(0.0, 0.7, 2)
    return replace(
        camera, shift_x=camera.shift_x + slip[0], shift_y=camera.shift_y + slip[1]
    )


@dataclass(frozen=True)
class Product:
    """The golden board of one product and the camera that watches it."""

    mask: Mask
    terrain: Terrain
    camera: Camera
    template_image: Image


@lru_cache(maxsize=16)
def golden_board(product_seed: int, size: int = 640) -> Product:
    """The product's board; the same seed gives the same board everywhere."""
    for attempt in range(50):
        rng = np.random.default_rng((product_seed, attempt))
        style = _product_style(rng, size)
        mask = etched(draw_template(rng, style), rng, style)
        terrain = survey(mask)
        if _takes_every_defect(mask, terrain, rng):
            break
    camera = replace(
        real_camera(rng, "colour"), blur=0.7, noise=3.0, light=0.15, jpeg=0
    )
    still = replace(camera, rotation_deg=0.0, shift_x=0.0, shift_y=0.0)
    return Product(mask, terrain, still, photograph(mask, rng, still))


def _product_style(rng: Rng, size: int) -> Style:
    return Style(
        size=size,
        scene="mixed" if rng.random() < 0.5 else "fine",
        unit=float(rng.uniform(8.0, 12.0)) * size / 640,
        clearance=float(rng.uniform(10.0, 16.0)) * size / 640,
        density=1.2,
        angle_deg=0.0,
        roughness=0.25,
        row_jitter=0,
    )


def _takes_every_defect(mask: Mask, terrain: Terrain, rng: Rng) -> bool:
    covered = 0.12 < mask.mean() < 0.5
    return covered and len(plant(mask, CLASSES * 2, rng, terrain)[1]) == 12


def draw_product_photo(
    product_seed: int, classes: Sequence[str], rng: Rng, size: int = 640
) -> Sample:
    """A photo of one unit of a product with the given defects.

    All units of a product share the layout; pose, light and noise differ from
    unit to unit as they do under a fixed camera.
    """
    product = golden_board(product_seed, size)
    mask, boxes = plant(product.mask, classes, rng, product.terrain)
    camera = replace(
        product.camera,
        blur=float(rng.uniform(0.5, 0.9)),
        noise=float(rng.uniform(2.0, 5.0)),
        light=float(rng.uniform(0.05, 0.2)),
        rotation_deg=float(rng.normal(0.0, 0.3)),
        shift_x=float(rng.normal(0.0, 1.5)),
        shift_y=float(rng.normal(0.0, 1.5)),
    )
    image = photograph(mask, rng, camera)
    boxes = moved_boxes(boxes, camera, mask.shape)
    return Sample(image, product.template_image, boxes)
