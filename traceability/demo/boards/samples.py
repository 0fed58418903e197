"""Finished samples: for training, and for the products of the demo factory."""

from __future__ import annotations

import copy
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
from traceability.demo.boards.finish import bare_pads
from traceability.demo.boards.habits import EXACT, NEVER_ROUND, USUAL, Habit
from traceability.demo.boards.ingredients import ALL, Ingredients, plainer, steadier
from traceability.demo.boards.model import (
    CLASSES,
    Image,
    Mask,
    Sample,
    Style,
    random_style,
)
from traceability.demo.boards.moments import another_moment, with_bright_copper
from traceability.demo.boards.template import draw_template
from traceability.demo.boards.terrain import Terrain, survey
from traceability.demo.boards.wear import dusted, etched, scanned_again

Rng = np.random.Generator

_NORMAL_SHARE = 0.04  # of training samples have no defect
_BRIGHT_SHARE = 0.5  # of grey photos that may have bright copper do
_SPARSE = ("fine", "mixed")  # scenes whose tracks tell copper from laminate
_MOST_COPPER = 0.45  # of the board, for the same reason
_PRODUCT_SHARE = 0.18  # of training samples look as the demo factory's photos do


def draw_sample(rng: Rng, size: int = 640, ingredients: Ingredients = ALL) -> Sample:
    """One photo for training: any board, any camera, 0 to 12 defects."""
    normal = rng.random() < _NORMAL_SHARE and ingredients.normal_boards
    count = 0 if normal else int(rng.integers(3, 13))
    classes = [CLASSES[i] for i in rng.integers(len(CLASSES), size=count)]
    if rng.random() < _PRODUCT_SHARE and ingredients.products and ingredients.colour:
        product = _product(int(rng.integers(2**31)), size)
        return _product_sample(product, classes, rng, ingredients)
    return _any_board(rng, size, classes, ingredients)


def _any_board(
    rng: Rng, size: int, classes: Sequence[str], ingredients: Ingredients
) -> Sample:
    style = plainer(random_style(rng, size), ingredients)
    clean = draw_template(rng, style)
    worn = etched(clean, rng, style)
    mask, boxes = plant(worn, classes, rng, habit=_habit(ingredients))
    camera = _camera(rng, clean, style, ingredients)
    bare = bare_pads(clean, style.unit) if camera.pads else None
    golden = scanned_again(etched(clean, rng, style), rng, (0.2, 1.3))
    template = photograph(golden, rng, another_moment(rng, camera), bare)
    twin = copy.deepcopy(rng)
    image = photograph(_dusted(mask, rng, ingredients), rng, camera, bare)
    if not ingredients.template_wear:
        template = photograph(_dusted(worn, twin, ingredients), twin, camera, bare)
    return Sample(image, template, moved_boxes(boxes, camera, mask.shape))


def _camera(rng: Rng, clean: Mask, style: Style, ingredients: Ingredients) -> Camera:
    camera = random_camera(rng, ingredients.looks)
    sparse = style.scene in _SPARSE and clean.mean() < _MOST_COPPER
    bright = sparse and rng.random() < _BRIGHT_SHARE and ingredients.bright_grey
    if camera.look == "grey" and bright:
        camera = with_bright_copper(camera, rng)
    return steadier(camera, ingredients)


def _habit(ingredients: Ingredients) -> Habit:
    habit = NEVER_ROUND if ingredients.hand_made else USUAL
    return habit if ingredients.loose_boxes else replace(habit, loose=0.0)


def _dusted(mask: Mask, rng: Rng, ingredients: Ingredients) -> Mask:
    return dusted(mask, rng) if ingredients.dust else mask


@dataclass(frozen=True)
class Product:
    """The golden board of one product and the camera that watches it."""

    mask: Mask
    bare: Mask
    terrain: Terrain
    camera: Camera
    template_image: Image


@lru_cache(maxsize=16)
def golden_board(product_seed: int, size: int = 640) -> Product:
    """The product's board; the same seed gives the same board everywhere."""
    return _product(product_seed, size)


def _product(product_seed: int, size: int) -> Product:
    for attempt in range(50):
        rng = np.random.default_rng((product_seed, attempt))
        style = _product_style(rng, size)
        mask = etched(draw_template(rng, style), rng, style)
        terrain = survey(mask)
        if _takes_every_defect(mask, terrain, rng):
            break
    bare = bare_pads(mask, style.unit)
    camera = replace(
        real_camera(rng, "colour", covered=True),
        blur=0.7,
        noise=3.0,
        light=0.15,
        jpeg=0,
        rotation_deg=0.0,
        shift_x=0.0,
        shift_y=0.0,
    )
    template = photograph(mask, rng, camera, bare)
    return Product(mask, bare, terrain, camera, template)


def _product_style(rng: Rng, size: int) -> Style:
    scale = size / 640
    return Style(
        size=size,
        scene="mixed" if rng.random() < 0.5 else "fine",
        unit=float(rng.uniform(7.0, 11.0)) * scale,
        clearance=float(rng.uniform(14.0, 19.0)) * scale,
        density=2.0,
        angle_deg=0.0,
        roughness=0.2,
        row_jitter=0,
    )


def _takes_every_defect(mask: Mask, terrain: Terrain, rng: Rng) -> bool:
    covered = 0.18 < mask.mean() < 0.5
    return covered and len(plant(mask, CLASSES * 2, rng, terrain)[1]) == 12


def draw_product_photo(
    product_seed: int, classes: Sequence[str], rng: Rng, size: int = 640
) -> Sample:
    """A photo of one unit of a product with the given defects.

    All units of a product share the layout; pose, light and noise differ from
    unit to unit as they do under a fixed camera.
    """
    return _unit(golden_board(product_seed, size), classes, rng)


def _unit(
    product: Product,
    classes: Sequence[str],
    rng: Rng,
    ingredients: Ingredients = ALL,
) -> Sample:
    habit = USUAL if ingredients.loose_boxes else EXACT
    mask, boxes = plant(product.mask, classes, rng, product.terrain, 1.4, habit)
    camera = steadier(_unit_camera(product.camera, rng), ingredients)
    twin = copy.deepcopy(rng)
    image = photograph(mask, rng, camera, product.bare)
    template = product.template_image
    if not ingredients.template_wear:
        template = photograph(product.mask, twin, camera, product.bare)
    return Sample(image, template, moved_boxes(boxes, camera, mask.shape))


def _unit_camera(camera: Camera, rng: Rng) -> Camera:
    return replace(
        camera,
        blur=float(rng.uniform(0.5, 0.9)),
        noise=float(rng.uniform(2.0, 5.0)),
        light=float(rng.uniform(0.05, 0.2)),
        rotation_deg=float(rng.normal(0.0, 0.3)),
        shift_x=float(rng.normal(0.0, 1.5)),
        shift_y=float(rng.normal(0.0, 1.5)),
    )


def _product_sample(
    product: Product, classes: Sequence[str], rng: Rng, ingredients: Ingredients
) -> Sample:
    """A unit whose template shows another unit's edges, as etching leaves them."""
    sample = _unit(product, classes, rng, ingredients)
    if not ingredients.template_wear:
        return sample
    golden = scanned_again(product.mask, rng, (0.1, 0.8))
    camera = another_moment(rng, product.camera)
    template = photograph(golden, rng, camera, product.bare)
    return replace(sample, template_image=template)
