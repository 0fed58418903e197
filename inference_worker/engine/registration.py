"""Bring a golden template onto its photo: the same size, then the same place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from inference_worker.engine.errors import TemplateError
from inference_worker.engine.types import FloatArray, Image

ASPECT_TOLERANCE = 0.01
"""Proportions that differ by less are the same: a template is scaled to its photo."""

LONG_SIDE = 320
"""Where shifts are looked for: full size finds the same ones and costs five times."""

SHORT_SIDE = 16
"""A narrower strip tells nothing of its place."""

PIXELS_ASIDE = 4
"""A small pixel is the mean of about so many aside; more only cost time."""

CLEAR_RESPONSE = 0.3
"""Pairs of one board answer with 0.38 to 1, two boards with 0.2 at most (DeepPCB)."""

LARGEST_SHIFT = 0.05
"""Of the side. Beyond, it is another place of a pattern that repeats itself."""

MOST_ENLARGED = 2.0
"""A template enlarged by more has none of the photo's fine traces."""

LIKENESS_SIDE = 160
"""Where likeness is looked for: defects are small there, a board's layout is not."""

LEAST_LIKENESS = 0.5
"""Own pairs have 0.73 and more, other boards 0.43 at most, but for stripes alike."""

PLAIN = 2.0
"""Grey levels of standard deviation; below, a picture shows nothing."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the template must move to lie on the photo, in pixels: right and down.

    `response` is how clear that is: near 1 for the same picture, near 0 for none.
    """

    right: float
    down: float
    response: float


def fit(image: Image, template: Image) -> Image:
    """The template in the size of the image and, when it lay beside it, moved onto it.

    One that lies well is returned as it is. Raises TemplateError for other proportions,
    one that is far too small, and one that shows another board.
    """
    sized = resize(image, template)
    alike = likeness(image, sized)
    if alike < LEAST_LIKENESS:
        raise TemplateError(
            f"the template does not show this board: likeness {alike:.2f}, "
            f"at least {LEAST_LIKENESS} is needed"
        )
    return move(image, sized, find_shift(image, sized))


def resize(image: Image, template: Image) -> Image:
    """The template in the size of the image, of the same proportions to 1 %."""
    if image.shape == template.shape:
        return template
    (height, width), (tall, wide) = image.shape[:2], template.shape[:2]
    sizes = f"the template has {wide} x {tall} pixels, the photo {width} x {height}"
    if abs(width * tall / (height * wide) - 1) > ASPECT_TOLERANCE:
        raise TemplateError(f"{sizes}: another shape")
    if max(width / wide, height / tall) > MOST_ENLARGED:
        raise TemplateError(f"{sizes}: too small to compare with")
    how = cv2.INTER_AREA if width < wide else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(template, (width, height), interpolation=how))


def likeness(image: Image, template: Image) -> float:
    """How alike two pictures of one size are, from -1 to 1 for the same, wherever the
    template lies within LARGEST_SHIFT: their correlation, which light does not change.

    1 where neither shows anything or both are too narrow to tell, 0 where one does.
    """
    seen, wanted = _small(image, LIKENESS_SIDE), _small(template, LIKENESS_SIDE)
    plain = [one.std() < PLAIN for one in (seen, wanted)]
    if all(plain) or min(seen.shape) < SHORT_SIDE:
        return 1.0
    if any(plain):
        return 0.0
    down, right = (max(1, round(side * LARGEST_SHIFT)) for side in seen.shape)
    middle = wanted[down:-down, right:-right]
    # Where all that there is lies at the edge, a shift cannot be looked for.
    return _correlation(seen, wanted if middle.std() < PLAIN else middle)


def find_shift(image: Image, template: Image) -> Shift:
    """By phase correlation of two pictures of one size, made small; to about 1/4 px
    of a 640 px photo. A picture without any structure gives a response of 0.
    """
    seen, wanted = _small(image), _small(template)
    if min(seen.shape) < SHORT_SIDE or not seen.any() or not wanted.any():
        return Shift(0.0, 0.0, 0.0)
    height, width = seen.shape
    place, response = cv2.phaseCorrelate(wanted, seen, _window(height, width))
    right = place[0] * image.shape[1] / width
    down = place[1] * image.shape[0] / height
    return Shift(right, down, response)


def _correlation(seen: FloatArray, part: FloatArray) -> float:
    """The best of a part with any window of its size; plain windows do not count."""
    height, width = part.shape
    together = cv2.matchTemplate(seen, part, cv2.TM_CCOEFF) / part.size
    sums, squares = (
        (s[height:, width:] - s[height:, :-width] - s[:-height, width:])
        + s[:-height, :-width]
        for s in cv2.integral2(seen)
    )
    spread = np.sqrt(np.maximum(squares / part.size - (sums / part.size) ** 2, 0))
    told = np.where(spread < PLAIN, 0, together / np.maximum(spread, PLAIN))
    return float(told.max() / part.std())


def move(image: Image, template: Image, shift: Shift) -> Image:
    """The template moved by whole pixels, if that is clear and it then fits better.

    Fractions of a pixel would blur its edges, which is worse than being off by them.
    What comes in from outside its border is taken from the image: nothing differs
    where nothing is known.
    """
    right, down = round(shift.right), round(shift.down)
    if (right, down) == (0, 0) or not _plausible(shift, image):
        return template
    inside, source = _overlap(image, right, down), _overlap(image, -right, -down)
    before = cv2.norm(image[inside], template[inside], cv2.NORM_L1)
    after = cv2.norm(image[inside], template[source], cv2.NORM_L1)
    if after >= before:
        return template
    moved = image.copy()
    moved[inside] = template[source]
    return moved


def _plausible(shift: Shift, image: Image) -> bool:
    height, width = image.shape[:2]
    near = abs(shift.right) < LARGEST_SHIFT * width
    near = near and abs(shift.down) < LARGEST_SHIFT * height
    return near and shift.response >= CLEAR_RESPONSE


def _overlap(image: Image, right: int, down: int) -> tuple[slice, slice]:
    """The part of the image that a picture of its size covers when moved so far."""
    height, width = image.shape[:2]
    rows = slice(max(down, 0), height + min(down, 0))
    return rows, slice(max(right, 0), width + min(right, 0))


def _small(image: Image, long_side: int = LONG_SIDE) -> FloatArray:
    """Grey around its mean: a plain brightness would correlate at no shift at all."""
    height, width = image.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    step = max(1, int(1 / scale) // PIXELS_ASIDE)
    some = np.ascontiguousarray(image[::step, ::step])
    small = cv2.resize(some, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    around: FloatArray = grey - grey.mean()
    return around


@lru_cache(maxsize=8)
def _window(height: int, width: int) -> FloatArray:
    """Fades to the border, where a shifted picture shows something else."""
    return np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F))
