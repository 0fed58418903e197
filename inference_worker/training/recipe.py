"""What the data asks for: canvas, epochs, batch, and how far views may vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.preprocess import plan
from inference_worker.training.datasets import Labelled
from inference_worker.training.network import GRANULE
from inference_worker.training.settings import Settings
from inference_worker.training.strength import Strength

_SMALL = 14.0  # pixels that the short side of a small box should have
_LARGE = 72.0  # pixels beyond which the smallest boxes are needlessly large
_SIDES = (320, 1024)  # shortest and longest canvas that is chosen
_ENLARGED = 2.0
_VIEWS = 160_000  # at 640 x 640
_MORE_VIEWS = 64_000  # to teach a model more
_EPOCHS = (20, 300)
_RATE = 2e-3
_FINE_RATE = 1e-3  # from weights that know something
_USUAL_BATCH = 32
_STEPS = 32  # an epoch, at least
_HELD = 100  # images, about
_SQUARE = 1.15  # of the longer to the shorter side, at most
_DIRECTED = 0.7  # difference of mean log aspect between classes


CRISP = "views stay black and white, as every image is"


class Beginning(Enum):
    """Where a training starts: at chance, with layers of a model that knows something
    else, or with the very model that shall learn more.
    """

    CHANCE = auto()
    LENT = auto()
    MORE = auto()


@dataclass(frozen=True)
class Recipe:
    """A training run without anything left to choose.

    `canvas` is (height, width) in pixels, multiples of the granule; an image's long
    side becomes `size`. `grey`: every image is. `reasons` says in sentences why.
    """

    size: int
    canvas: tuple[int, int]
    grey: bool
    epochs: int
    batch: int
    learning_rate: float
    strength: Strength
    reasons: tuple[str, ...] = ()


def held_share(count: int) -> float:
    """The share of `count` images to hold back: about a hundred of them."""
    return float(np.clip(_HELD / max(1, count), 0.05, 0.2))


def choose(
    samples: Sequence[Labelled], settings: Settings, views: int, beginning: Beginning
) -> Recipe:
    """The recipe for these images, of which, with whatever is shown beside them, an
    epoch has `views`; what the settings fix stays fixed.
    """
    sides = np.array([(s.height, s.width) for s in samples], float)
    small = _short_sides(samples, sides)
    size, why_size = _size(sides, small)
    if settings.size is not None:
        size, why_size = settings.size, "size as told"
    canvas = canvas_of(samples, size)
    epochs, why_epochs = _epochs(views, canvas, beginning)
    if settings.epochs is not None:
        epochs, why_epochs = settings.epochs, "epochs as told"
    batch = settings.batch or _batch(views, canvas, beginning)
    strength, why_strength = _strength(samples, settings, size)
    return Recipe(
        size=size,
        canvas=canvas,
        grey=all(sample.grey for sample in samples),
        epochs=epochs,
        batch=batch,
        learning_rate=_pace(settings, batch, beginning),
        strength=strength,
        reasons=(why_size, why_epochs, *why_strength),
    )


def defaults_for(
    settings: Settings, count: int, side: int, beginning: Beginning
) -> Recipe:
    """Without photos to choose by: square canvases in colour, every augmentation."""
    size = settings.size or side
    epochs, _ = _epochs(count, (size, size), beginning)
    batch = settings.batch or _batch(count, (size, size), beginning)
    return Recipe(
        size=size,
        canvas=(size, size),
        grey=False,
        epochs=settings.epochs or epochs,
        batch=batch,
        learning_rate=_pace(settings, batch, beginning),
        strength=Strength(),
    )


def canvas_of(samples: Sequence[Labelled], size: int) -> tuple[int, int]:
    """The smallest (height, width) that holds every image at this size."""
    shapes = {(s.height, s.width) for s in samples}
    canvases = [plan(h, w, (size,), GRANULE).canvas for h, w in shapes]
    heights, widths = zip(*canvases, strict=True)
    return max(heights), max(widths)


def _short_sides(
    samples: Sequence[Labelled], sides: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Short sides of all boxes as shares of their image's long side."""
    shares = [
        (s.boxes[:, 2:] - s.boxes[:, :2]).min(1) / longest
        for s, longest in zip(samples, sides.max(1), strict=True)
    ]
    return np.concatenate([np.zeros(0), *shares]).astype(float)


def _size(sides: NDArray[np.float64], small: NDArray[np.float64]) -> tuple[int, str]:
    """The images' own size, unless small boxes need more or none needs that much."""
    own = float(np.median(sides.max(1)))
    if not len(small):
        return _rounded(own), "size of the images; no box was drawn"
    tenth = float(np.quantile(small, 0.1)) * own
    factor = 1.0
    if tenth < _SMALL:
        factor = min(_ENLARGED, _SMALL / max(tenth, 1.0))
    elif tenth > _LARGE:
        factor = _LARGE / tenth
    size = _rounded(own * factor)
    reason = (
        f"size {size}: images of {own:.0f} pixels, where one box in ten is"
        f" narrower than {tenth:.0f}"
    )
    if tenth * size / own < _SMALL / 2:
        reason += (
            f"; on the canvas that is {tenth * size / own:.1f} pixels: cut photos into"
            " tiles if such defects are missed"
        )
    return size, reason


def _rounded(side: float) -> int:
    return int(np.clip(-(-side // GRANULE) * GRANULE, *_SIDES))


def _epochs(
    count: int, canvas: tuple[int, int], beginning: Beginning
) -> tuple[int, str]:
    """As many views as minutes of one large GPU allow, within reason."""
    usual = _MORE_VIEWS if beginning is Beginning.MORE else _VIEWS
    views = usual * min(2.0, 640 * 640 / (canvas[0] * canvas[1]))
    epochs = int(np.clip(views / max(1, count), *_EPOCHS))
    return epochs, f"{epochs} epochs of {count} views"


def _batch(views: int, canvas: tuple[int, int], beginning: Beginning) -> int:
    """Enough steps an epoch for a small folder, enough work a step for a large one.

    A model that goes on sees old and new in every batch: 16 at least.
    """
    least = 4 if beginning is Beginning.MORE else 2
    steps = 2 ** round(np.clip(np.log2(max(1, views / _STEPS)), least, 6))
    fits = 2 ** round(np.clip(np.log2(64 * 640 * 640 / (canvas[0] * canvas[1])), 2, 6))
    return int(min(steps, fits))


def _pace(settings: Settings, batch: int, beginning: Beginning) -> float:
    """The learning rate: smaller batches are noisier and want smaller steps."""
    if settings.learning_rate is not None:
        return settings.learning_rate
    usual = _RATE if beginning is Beginning.CHANCE else _FINE_RATE
    return float(usual * min(1.0, (batch / _USUAL_BATCH) ** 0.5))


def _strength(
    samples: Sequence[Labelled], settings: Settings, size: int
) -> tuple[Strength, list[str]]:
    strength, reasons = Strength(), []
    if _directed(samples):
        strength = replace(strength, turns=2)
        reasons.append("no quarter turns: classes differ in direction")
    elif _oblong(samples):
        strength = replace(strength, turns=2)
        reasons.append("no quarter turns: the images are not square")
    if settings.no_turn:
        strength = replace(strength, turns=1)
    if settings.no_mirror:
        strength = replace(strength, mirror=False)
    large = _covering(samples)
    if large > 0.3:
        strength = replace(strength, shift=0.15, mosaic=0.25)
        reasons.append("less moving and mosaic: boxes cover much of an image")
    if all(sample.grey for sample in samples):
        strength = replace(strength, tint=0.0)
        reasons.append("no tints: every image is grey")
    if all(s.two_levels and max(s.height, s.width) == size for s in samples):
        strength = replace(strength, crisp=True)
        reasons.append(CRISP)
    return strength, reasons


def _oblong(samples: Sequence[Labelled]) -> bool:
    """Whether the usual image would lose an edge when it is turned by a quarter."""
    ratios = [max(s.height, s.width) / min(s.height, s.width) for s in samples]
    return float(np.median(ratios)) > _SQUARE


def _directed(samples: Sequence[Labelled]) -> bool:
    """Whether two classes tell apart by lying or standing: then a turn would lie."""
    boxes = np.concatenate([np.zeros((0, 4)), *(s.boxes for s in samples)])
    labels = np.concatenate([np.zeros(0, int), *(s.class_ids for s in samples)])
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    aspect = np.log(sides[:, 0] / sides[:, 1])
    means = [
        aspect[labels == one].mean()
        for one in np.unique(labels)
        if (labels == one).sum() >= 20
    ]
    return bool(means) and min(means) < -_DIRECTED and max(means) > _DIRECTED


def _covering(samples: Sequence[Labelled]) -> float:
    """The median share of its image that a box covers."""
    shares = [
        (s.boxes[:, 2:] - s.boxes[:, :2]).prod(1) / (s.height * s.width)
        for s in samples
    ]
    every = np.concatenate([np.zeros(0), *shares])
    return float(np.median(every)) if len(every) else 0.0
