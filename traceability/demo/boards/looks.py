"""Read copper out of a clean photo, and write a changed mask back into it.

A photo here is uint8, (H, W) or (H, W, 3) RGB; a mask is True where copper is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from traceability.demo.boards.model import Canvas, Image, Mask

Polarity = Literal["guess", "dark", "bright"]

_TINTED = 12.0  # mean difference of channels above which a photo is in colour
_PARTED = 0.85  # of the variance lies between two kinds: one kind alone has 0.64
_AROUND = 41  # pixels: the neighbourhood whose copper and laminate are copied
_SHARP = 0.25  # sigma in pixels below which nothing need be blurred
_PURE = 3  # pixels from an edge where a photo shows one material alone


def as_rgb(photo: Image) -> Image:
    """The photo as (H, W, 3); ValueError if it is not 8 bits in 1 or 3 channels."""
    if photo.dtype != np.uint8 or photo.ndim not in (2, 3):
        raise ValueError(f"a photo is uint8 (H, W) or (H, W, 3), not {photo.shape}")
    if photo.ndim == 2:
        photo = photo[..., None]
    if photo.shape[2] not in (1, 3):
        raise ValueError(f"a photo has 1 or 3 channels, not {photo.shape[2]}")
    return np.ascontiguousarray(np.broadcast_to(photo, (*photo.shape[:2], 3)))


def copper_mask(photo: Image, polarity: Polarity = "guess") -> Mask:
    """Where copper is, by the brightness of an RGB photo.

    A guess takes copper for dark in black and white and in grey, as scanners show
    it, and for bright in colour, where it shines through the solder mask.
    """
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.uint8)
    if polarity == "guess":
        polarity = "bright" if _in_colour(photo) else "dark"
    if polarity == "dark":
        dark: Mask = grey <= _parting(grey)
        return dark
    bright: Mask = grey > _below_pads(grey, _parting(grey))
    return bright


def _parting(grey: npt.NDArray[np.uint8]) -> float:
    """Otsu's threshold between two kinds of pixels."""
    level, _ = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(level)


def _below_pads(grey: npt.NDArray[np.uint8], level: float) -> float:
    """The threshold under the covered tracks, where `level` cut off bare pads only.

    Bare pads, covered copper and laminate are three levels: what lies below the
    first threshold falls apart in two again.
    """
    rest = grey[grey <= level]
    if not len(rest) or rest.min() == rest.max():
        return level
    lower = _parting(rest[None])
    dark, bright = rest[rest <= lower], rest[rest > lower]
    share = len(dark) * len(bright) / len(rest) ** 2
    parted = share * (bright.mean() - dark.mean()) ** 2 / rest.var()
    return lower if parted > _PARTED else level


def _in_colour(photo: Image) -> bool:
    red, green, blue = cv2.split(photo)
    tint = cv2.max(cv2.absdiff(red, green), cv2.absdiff(green, blue))
    return bool(cv2.mean(tint)[0] > _TINTED)


def two_levels(photo: Image) -> bool:
    """Whether the photo is black and white with nothing between."""
    return bool(((photo == 0) | (photo == 255)).all())


@dataclass(frozen=True)
class Look:
    """How a photo shows the two materials near every pixel.

    `copper` and `laminate` are float32 (H, W, 3); `blur` is the sigma of its edges
    and `noise` the standard deviation within one material, in grey levels.
    """

    copper: npt.NDArray[np.float32]
    laminate: npt.NDArray[np.float32]
    blur: float
    noise: float


def look_of(photo: Image, mask: Mask) -> Look:
    """Measure the look of an RGB photo whose copper is known."""
    copper, laminate = _pure(mask), _pure(~mask)
    return Look(
        _spread(photo, copper),
        _spread(photo, laminate),
        _blur(photo, mask),
        _noise(photo, copper | laminate),
    )


def _pure(inside: Mask) -> Mask:
    """The pixels well inside one material, or all of it where it is thin."""
    surface: Canvas = inside.astype(np.uint8)
    reach = 2 * _PURE - 1
    core = cv2.erode(surface, np.ones((reach, reach), np.uint8)) > 0
    pure: Mask = core if core.any() else inside
    return pure


def _spread(photo: Image, known: Mask) -> npt.NDArray[np.float32]:
    """The mean of the known pixels near each pixel, or of all where none is near."""
    weight = known.astype(np.float32)
    box = (_AROUND, _AROUND)
    share = cv2.boxFilter(weight, -1, box)[..., None]
    total = cv2.boxFilter(photo * weight[..., None], -1, box)
    whole = photo[known].mean(0) if known.any() else np.full(3, 128.0)
    near = total / np.maximum(share, 1e-6)
    return np.where(share > 1e-3, near, whole).astype(np.float32)


def _blur(photo: Image, mask: Mask) -> float:
    """Sigma of the edges, from the steepest step that the photo shows at them."""
    if mask.all() or not mask.any():
        return 0.0
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    step = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1)) / 8
    edges = mask ^ (cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    contrast = abs(float(grey[mask].mean() - grey[~mask].mean()))
    steepest = float(np.median(step[edges])) if edges.any() else contrast
    sigma = 0.4 * contrast / max(steepest, 1.0)
    return float(np.clip(np.sqrt(max(sigma**2 - 0.5, 0.04)), 0.2, 3.0))


def _noise(photo: Image, pure: Mask) -> float:
    """Standard deviation of what a small blur takes away within one material."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    residue = grey - cv2.blur(grey, (3, 3))
    return float(residue[pure].std() * 1.06) if pure.any() else 0.0


def rewritten(photo: Image, before: Mask, after: Mask, look: Look | None) -> Image:
    """The RGB photo as if its copper were `after` instead of `before`.

    Without a look the photo is black and white and its pixels are turned over.
    Else only the difference is painted in, so that grain, dirt and uneven light
    stay as they are.
    """
    if look is None:
        turned = photo.copy()
        changed = before != after
        turned[changed] = 255 - turned[changed]
        return turned
    gained = after.astype(np.float32) - before.astype(np.float32)
    if look.blur >= _SHARP:
        gained = np.asarray(cv2.GaussianBlur(gained, (0, 0), look.blur), np.float32)
    repainted = photo + gained[..., None] * (look.copper - look.laminate)
    return np.clip(np.round(repainted), 0, 255).astype(np.uint8)
