"""Look at an image before trusting it: the header first, the pixels only then."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace

from PIL import ExifTags, ImageOps, UnidentifiedImageError
from PIL import Image as Pillow

from traceability.lib.errors import TooLarge, UnreadableImage

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}

# The orientations of EXIF that exchange width and height.
LYING = (5, 6, 7, 8)
# What is tried; Pillow calls a JPEG with more frames behind the first one an MPO.
FORMATS = list(MEDIA_TYPES)
MEDIA_TYPES["MPO"] = MEDIA_TYPES["JPEG"]

# A template of these proportions is scaled to its photo (`engine/registration.py`).
ASPECT_TOLERANCE = 0.01


@dataclass(frozen=True)
class ImageFacts:
    """Size in pixels (upright) and type, as the file itself says, never its name."""

    width: int
    height: int
    media_type: str

    def shaped_like(self, width: int, height: int) -> bool:
        """Whether that size has the same proportions, to ASPECT_TOLERANCE."""
        ratio = self.width * height / (self.height * width)
        return abs(ratio - 1) <= ASPECT_TOLERANCE


def examine(data: bytes, field: str, *, max_pixels: int) -> ImageFacts:
    """Check that `data` is one whole image; raises `TooLarge` or `UnreadableImage`.

    A bomb is refused from its header, before a pixel is decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            image = Pillow.open(io.BytesIO(data), formats=FORMATS)
        facts = ImageFacts(image.width, image.height, MEDIA_TYPES[image.format or ""])
        _check_size(facts, field, max_pixels)
        _check_depth(image.mode, field)
        image.load()
        if image.getexif().get(ExifTags.Base.Orientation, 1) in LYING:
            facts = replace(facts, width=facts.height, height=facts.width)
    except Pillow.DecompressionBombError as error:
        raise _too_many_pixels("far too many", field, max_pixels) from error
    except UnidentifiedImageError as error:
        text = "The file is not an image of a known kind."
        raise UnreadableImage(text, fields={field: [text]}) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        text = f"The image is damaged or incomplete ({error})."
        raise UnreadableImage(text, fields={field: [text]}) from error
    return facts


def _check_size(facts: ImageFacts, field: str, max_pixels: int) -> None:
    if facts.width * facts.height > max_pixels:
        size = f"{facts.width} × {facts.height}"
        raise _too_many_pixels(size, field, max_pixels)


def _check_depth(mode: str, field: str) -> None:
    if mode in {"F", "I"}:
        text = "The image has 32 bits a pixel; at most 16 can be read."
        raise UnreadableImage(text, fields={field: [text]})


def _too_many_pixels(size: str, field: str, max_pixels: int) -> TooLarge:
    text = f"The image is too large: {size} pixels."
    return TooLarge(
        text,
        code="image_too_large",
        hint=f"Send at most {max_pixels // 1_000_000} megapixels.",
        fields={field: [text]},
    )


def as_seen(photo: Pillow.Image) -> Pillow.Image:
    """The photo upright and in eight bits, as the detector saw it."""
    upright = ImageOps.exif_transpose(photo)
    if not upright.mode.startswith("I"):
        return upright
    # Pillow would cut sixteen bits off at 255 instead of scaling them.
    return upright.point(lambda value: value * (1 / 256)).convert("L")
