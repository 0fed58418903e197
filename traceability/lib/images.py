"""Look at an image before trusting it: the header first, the pixels only then."""

from __future__ import annotations

import io
import math
import struct
import warnings
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import ExifTags, ImageOps, UnidentifiedImageError
from PIL import Image as Pillow

from traceability.lib.errors import TooLarge, UnreadableImage
from traceability.lib.scans import MAX_SCANS, has_too_many_scans

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

_TILE_SIDES = (322, 323)

# Where Pillow looks for how a photo is turned when EXIF does not say: XMP, and old
# notes in PNGs. Detectors know EXIF alone, and boxes lie on what they saw.
_HEARSAY = ("xmp", "XML:com.adobe.xmp", "Raw profile type exif")

# OpenCV prints what it dislikes about a damaged image; its sender is told instead.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

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

    A bomb is refused from its header, before a pixel is decoded. What is taken can be
    read by the pages and by the detector, whose libraries are not the same.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it passed over in a header
            facts = _read_as_pages_do(data, field, max_pixels)
        _read_as_detectors_do(data, facts.media_type)
    except Pillow.DecompressionBombError as error:
        raise _too_many_pixels("far too many", field, max_pixels) from error
    except UnidentifiedImageError as error:
        text = "The file is not an image of a known kind."
        raise UnreadableImage(text, fields={field: [text]}) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        text = f"The image is damaged or incomplete ({error})."
        raise UnreadableImage(text, fields={field: [text]}) from error
    return facts


def _read_as_pages_do(data: bytes, field: str, max_pixels: int) -> ImageFacts:
    image = Pillow.open(io.BytesIO(data), formats=FORMATS)
    facts = ImageFacts(image.width, image.height, MEDIA_TYPES[image.format or ""])
    _check_size(facts, field, max_pixels)
    _check_depth(image.mode, field)
    if facts.media_type == MEDIA_TYPES["TIFF"]:
        _check_tiles(data, field, max_pixels)
    if facts.media_type != MEDIA_TYPES["JPEG"]:
        _load(image)
    _forget_hearsay(image)
    if image.getexif().get(ExifTags.Base.Orientation, 1) in LYING:
        facts = replace(facts, width=facts.height, height=facts.width)
    return facts


def _read_as_detectors_do(data: bytes, media_type: str) -> None:
    """Raises ValueError for what `engine/decode.py` would refuse later."""
    if media_type == MEDIA_TYPES["JPEG"]:
        if has_too_many_scans(data):
            raise ValueError(f"it has more than {MAX_SCANS} scans")
        # Every bit is read and every warning an error, at whatever scale: what passes
        # here Pillow reads too. To be no smaller than a pixel allows an eighth.
        simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, strict=True)
        return
    if media_type == "image/png" and not _png_ends(data):
        raise ValueError("it ends too early")
    pixels = _opencv(data)
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise ValueError("it is packed in a way that detectors do not read")
    if pixels[0, 0].size not in (1, 3, 4):
        raise ValueError(f"it has {pixels[0, 0].size} channels")


def _opencv(data: bytes) -> NDArray[Any] | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


def _png_ends(data: bytes) -> bool:
    """Whether every chunk is there up to the end mark; what follows does not count."""
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if kind == b"IEND":
            return bool(at <= len(data))
    return False


def _check_tiles(data: bytes, field: str, max_pixels: int) -> None:
    """A tile is decoded whole, whatever the picture's size. Of a tag that comes twice
    the largest counts: libraries do not agree on which one is meant.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        raise ValueError("a BigTIFF; save it as an ordinary TIFF")
    sides = dict.fromkeys(_TILE_SIDES, 0)
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", data, at)
            if tag in sides:
                side = struct.unpack_from(order + "HI"[kind != 3], data, at + 8)[0]
                sides[tag] = max(sides[tag], side)
    except struct.error as error:
        raise ValueError("it ends inside its header") from error
    if math.prod(sides.values()) > max_pixels:
        size = " × ".join(map(str, sides.values()))
        raise _too_many_pixels(f"tiles of {size}", field, max_pixels)


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
    _load(photo)
    upright = ImageOps.exif_transpose(photo)
    if not upright.mode.startswith("I"):
        return upright
    # Pillow would cut sixteen bits off at 255 instead of scaling them.
    return upright.point(lambda value: value * (1 / 256)).convert("L")


def _load(photo: Pillow.Image) -> None:
    """Its pixels; a TIFF's turn already here, a PNG's notes may stand behind them."""
    _forget_hearsay(photo)
    photo.load()
    _forget_hearsay(photo)


def _forget_hearsay(photo: Pillow.Image) -> None:
    for name in _HEARSAY:
        photo.info.pop(name, None)
