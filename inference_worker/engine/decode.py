"""From the bytes of an image file to upright RGB pixels."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.errors import (
    ImageError,
    ImageTooLarge,
    ImageUnreadable,
    PackageMissing,
)
from inference_worker.engine.headers import (
    Header,
    png_is_whole,
    read_header,
    tiff_as_stored,
)
from inference_worker.engine.types import Image

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 50_000_000

_UPRIGHT = 1  # EXIF's orientation of a picture that need not be turned

Room = Callable[[int], NDArray[np.uint8] | None]
"""Gives memory for so many bytes of pixels, or None for any; see `Backend.room`."""

Pixels = NDArray[np.integer[Any] | np.floating[Any]]

# OpenCV prints what it dislikes about a damaged image; we raise it instead.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """Decoded pixels, and how the file kept them.

    `channels`: 1 grey, 3 colour, 4 with alpha or, in a JPEG, inks (CMYK).
    `bits` a channel: 8 or 16.
    """

    pixels: Image
    header: Header
    channels: int
    bits: int


def decode(data: bytes, room: Room | None = None) -> Image:
    """uint8, height x width x 3, RGB, turned upright; greyscale is repeated.

    A JPEG that need not be turned comes to lie in what `room` gives for it.

    1. Refuses by size from the header alone: ImageTooLarge.
    2. Decodes strictly: a file cut short raises ImageUnreadable, never half a picture.
    3. Brings 16 bits to 8 (white stays white) and drops an alpha channel.
    4. Turns it as its EXIF orientation asks.

    A JPEG raises PackageMissing where simplejpeg is not installed: OpenCV would
    take half of one for a whole.
    """
    return examine(data, room).pixels


def examine(data: bytes, room: Room | None = None) -> Picture:
    """What `decode` gives, and what it had to change for that; raises the same."""
    header = check_size(data)
    there = _place(header, room)
    stored, channels = _pixels(data, header, there)
    pixels = _to_rgb(stored, there)
    if pixels.shape[:2] != (header.height, header.width):
        raise ImageUnreadable("the image differs in size from its header")
    upright = _upright(pixels, header.orientation)
    return Picture(upright, header, channels, 8 * stored.dtype.itemsize)


def decode_file(path: Path) -> Image:
    """The same from a file; errors name it."""
    try:
        return decode(read_file(path))
    except ImageError as error:
        raise type(error)(f"{path}: {error}", error.hint) from error


def read_file(path: Path) -> bytes:
    """A file's bytes; one too large is refused before it is read, and so is what has no
    end, or none that anybody writes.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ImageUnreadable("not a plain file", "Check the path.")
        if found.st_size > MAX_BYTES:
            raise ImageTooLarge(f"{found.st_size / 2**20:.1f} MB")
        return path.read_bytes()
    except OSError as error:
        raise ImageUnreadable(str(error.strerror), "Check the path.") from error


def check_size(data: bytes) -> Header:
    """The header of an image small enough to decode; else ImageTooLarge."""
    if len(data) > MAX_BYTES:
        raise ImageTooLarge(f"{len(data) / 2**20:.1f} MB; at most {MAX_BYTES >> 20}")
    header = read_header(data)
    if header.width * header.height > MAX_PIXELS:
        raise ImageTooLarge(
            f"{header.width} x {header.height} pixels;"
            f" at most {MAX_PIXELS // 1_000_000} million"
        )
    if header.tile > MAX_PIXELS:
        raise ImageTooLarge(
            f"tiles of {header.tile} pixels; at most {MAX_PIXELS // 1_000_000} million"
        )
    return header


def _place(header: Header, room: Room | None) -> NDArray[np.uint8] | None:
    if room is None or header.format != "jpeg" or header.orientation != _UPRIGHT:
        return None
    return room(header.height * header.width * 3)


def _pixels(
    data: bytes, header: Header, there: NDArray[np.uint8] | None
) -> tuple[Pixels, int]:
    """Grey, RGB or RGBA, of any depth; and how many channels the file has."""
    if header.format == "jpeg":
        return _jpeg(data, there)
    if header.format == "png" and not png_is_whole(data):
        raise ImageUnreadable("the PNG is damaged or cut short")
    pixels = _opencv(tiff_as_stored(data) if header.format == "tiff" else data)
    return pixels, pixels[0, 0].size


def _jpeg(data: bytes, there: NDArray[np.uint8] | None) -> tuple[Pixels, int]:
    """Refuses whatever libjpeg warns of, a missing end among it."""
    try:
        import simplejpeg
    except ImportError as error:
        raise PackageMissing("reading a JPEG needs the package simplejpeg") from error
    try:
        space = simplejpeg.decode_jpeg_header(data)[2]
        kind = "GRAY" if space == "Gray" else "RGB"
        buffer = there if kind == "RGB" else None
        pixels = simplejpeg.decode_jpeg(data, kind, strict=True, buffer=buffer)
    except ValueError as error:
        raise ImageUnreadable(f"the JPEG is damaged: {error}") from error
    return np.asarray(pixels), {"Gray": 1, "CMYK": 4, "YCCK": 4}.get(space, 3)


def _opencv(data: bytes) -> Pixels:
    buffer = np.frombuffer(data, np.uint8)
    try:
        pixels = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageUnreadable(f"the image is damaged: {error.err}") from error
    if pixels is None:
        raise ImageUnreadable("the image is damaged or cut short")
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)
    return np.asarray(pixels)


def _to_rgb(pixels: Pixels, there: NDArray[np.uint8] | None) -> Image:
    if pixels.dtype == np.uint16:
        pixels = np.asarray(cv2.convertScaleAbs(pixels, alpha=1 / 257))
    if pixels.dtype != np.uint8:
        raise ImageUnreadable(f"its pixels are {pixels.dtype}; expected 8 or 16 bits")
    grey = pixels.reshape(*pixels.shape[:2], -1)
    if grey.shape[2] == 1:
        colour = None if there is None else there.reshape(*grey.shape[:2], 3)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB, colour), np.uint8)
    if grey.shape[2] not in (3, 4):
        raise ImageUnreadable(f"it has {grey.shape[2]} channels; expected 1, 3 or 4")
    return np.asarray(pixels[..., :3], np.uint8)


def _upright(pixels: Image, orientation: int) -> Image:
    """The picture as its maker saw it; EXIF's eight cases are a transpose and flips."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
