"""Plant defects on photos of clean boards that somebody else took.

The clean photo is the template of the sample; its image is the same board scanned
once more, with defects: edges fray, the board lies a little off, light differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from traceability.demo.boards.defects import plant
from traceability.demo.boards.habits import BY_HAND, Habit
from traceability.demo.boards.looks import (
    Look,
    Polarity,
    as_rgb,
    copper_mask,
    look_of,
    rewritten,
    two_levels,
)
from traceability.demo.boards.model import CLASSES, Box, Image, Mask, Sample
from traceability.demo.boards.terrain import Terrain, survey
from traceability.demo.boards.wear import scanned_again

Rng = np.random.Generator

_FRESH = 0.6  # of a photo's noise is added: a copy of the old one is in the image


@dataclass(frozen=True)
class Planting:
    """How samples are made from clean photos.

    `polarity` says whether copper is dark or bright. `fewest` to `most` defects
    are planted where no classes are given, none in a share `normal`. Places of the
    image are off by `wander` (least, most) pixels and single pixels by up to
    `fine`; a share `moved` of the images lies up to `shift` pixels off; brightness
    differs by up to `light`.
    """

    polarity: Polarity = "guess"
    habit: Habit = field(default=BY_HAND)
    fewest: int = 3
    most: int = 12
    normal: float = 0.04
    wander: tuple[float, float] = (0.4, 1.8)
    fine: float = 0.35
    moved: float = 0.3
    shift: int = 4
    light: float = 0.1


LIKE_BY_HAND = Planting()


@dataclass(frozen=True)
class Ground:
    """A clean RGB photo and all that planting must know of it, measured once.

    `look` is None for a photo in black and white.
    """

    photo: Image
    mask: Mask
    terrain: Terrain
    look: Look | None

    @classmethod
    def of(cls, photo: Image, polarity: Polarity = "guess") -> Ground:
        photo = as_rgb(photo)
        mask = copper_mask(photo, polarity)
        look = None if two_levels(photo) else look_of(photo, mask)
        return cls(photo, mask, survey(mask), look)


def plant_on_photo(
    template_image: Image | Ground,
    rng: Rng,
    classes: Sequence[str] | None = None,
    planting: Planting = LIKE_BY_HAND,
) -> Sample:
    """A sample whose template is the given photo of a clean board.

    The photo is uint8, (H, W) or (H, W, 3) RGB; a `Ground` saves measuring it
    again. Without `classes` their number and kinds are drawn.
    """
    ground = template_image
    if not isinstance(ground, Ground):
        ground = Ground.of(ground, planting.polarity)
    if classes is None:
        classes = _some_classes(rng, planting)
    mask, boxes = plant(ground.mask, classes, rng, ground.terrain, habit=planting.habit)
    mask = scanned_again(mask, rng, planting.wander, planting.fine)
    image = rewritten(ground.photo, ground.mask, mask, ground.look)
    if ground.look is not None:
        image = _taken_again(image, _FRESH * ground.look.noise, rng, planting.light)
    return _moved(Sample(image, ground.photo, boxes), _offset(rng, planting))


def _some_classes(rng: Rng, planting: Planting) -> list[str]:
    if rng.random() < planting.normal:
        return []
    count = int(rng.integers(planting.fewest, planting.most + 1))
    return [CLASSES[i] for i in rng.integers(len(CLASSES), size=count)]


def _taken_again(image: Image, noise: float, rng: Rng, light: float) -> Image:
    """The image under another light, with grain of its own."""
    gain, lift = 1 + rng.uniform(-light, light), 128 * rng.uniform(-light, light)
    grain = rng.standard_normal(image.shape[:2], np.float32)[..., None] * noise
    return np.clip(np.round(image * gain + lift + grain), 0, 255).astype(np.uint8)


def _offset(rng: Rng, planting: Planting) -> tuple[int, int]:
    """Whole pixels to the right and down."""
    if rng.random() >= planting.moved:
        return 0, 0
    far = np.round(rng.normal(0.0, planting.shift / 2, 2))
    x, y = np.clip(far, -planting.shift, planting.shift)
    return int(x), int(y)


def _moved(sample: Sample, offset: tuple[int, int]) -> Sample:
    """The sample with its image and boxes shifted against the template."""
    x, y = offset
    if not (x or y):
        return sample
    height, width = sample.image.shape[:2]
    rows = np.clip(np.arange(height) - y, 0, height - 1)
    columns = np.clip(np.arange(width) - x, 0, width - 1)
    image = np.ascontiguousarray(sample.image[rows[:, None], columns])
    boxes = [_cut(box, x, y, width, height) for box in sample.boxes]
    return replace(sample, image=image, boxes=boxes)


def _cut(box: Box, x: float, y: float, width: int, height: int) -> Box:
    left, top = max(0.0, box.x + x), max(0.0, box.y + y)
    right = min(float(width), box.x + x + box.width)
    bottom = min(float(height), box.y + y + box.height)
    return Box(box.category, left, top, right - left, bottom - top)
