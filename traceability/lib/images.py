"""Look at an image before trusting it: the header first, the pixels only then."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from traceability.lib.errors import TooLarge, UnreadableImage

MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}


@dataclass(frozen=True)
class ImageFacts:
    """Size in pixels and type, as read from the file itself, never from its name."""

    width: int
    height: int
    media_type: str


def examine(data: bytes, field: str, *, max_pixels: int) -> ImageFacts:
    """Check that `data` is one whole image; raises `TooLarge` or `UnreadableImage`.

    A bomb is refused from its header, before a pixel is decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            image = Pillow.open(io.BytesIO(data), formats=list(MEDIA_TYPES))
        facts = ImageFacts(image.width, image.height, MEDIA_TYPES[image.format or ""])
        _check_size(facts, field, max_pixels)
        image.load()
    except Pillow.DecompressionBombError as error:
        raise _too_many_pixels(str(error), field, max_pixels) from error
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


def _too_many_pixels(size: str, field: str, max_pixels: int) -> TooLarge:
    text = f"The image is too large: {size} pixels."
    return TooLarge(
        text,
        code="image_too_large",
        hint=f"Send at most {max_pixels // 1_000_000} megapixels.",
        fields={field: [text]},
    )
