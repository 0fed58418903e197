"""Size and orientation of an image from its first bytes; no pixel is touched.

Covers JPEG, PNG, BMP, TIFF and WebP. What is not one of them, or ends before its
size is told, raises ImageUnreadable.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from inference_worker.engine.errors import ImageUnreadable

_ORIENTATION, _WIDTH, _HEIGHT = 274, 256, 257
_TILE_SIDES = (322, 323)
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BARE = {0x01, *range(0xD0, 0xD9)}
_START_OF_SCAN, _APP1 = 0xDA, 0xE1


@dataclass(frozen=True, slots=True)
class Header:
    """`width` and `height` as stored; `orientation` as EXIF counts it, 1 to 8; `tile`
    is the pixels of one of the pieces that a TIFF may be cut into, which are decoded
    whole, whatever the picture's size.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    tile: int = 0


def read_header(data: bytes) -> Header:
    """Cost: a few hundred bytes looked at, however large the image."""
    try:
        header = _reader(data)(data)
    except (struct.error, IndexError) as error:
        raise ImageUnreadable("the image ends inside its header") from error
    if header.width < 1 or header.height < 1:
        raise ImageUnreadable(
            f"the header says {header.width} x {header.height} pixels"
        )
    return header


def _reader(data: bytes) -> Callable[[bytes], Header]:
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png
    if data.startswith((b"II*\0", b"MM\0*")):
        return _tiff
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp
    if data.startswith(b"BM"):
        return _bmp
    raise ImageUnreadable("not a JPEG, PNG, BMP, TIFF or WebP image")


def _jpeg(data: bytes) -> Header:
    orientation = None
    for marker, start in _jpeg_segments(data):
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, start + 1)
            return Header("jpeg", width, height, orientation or 1)
        exif = marker == _APP1 and data.startswith(b"Exif\0\0", start)
        if exif and orientation is None:  # notes that are long go on in a second one
            orientation = _exif_orientation(data[start + 6 :])
    raise ImageUnreadable("the JPEG has no frame")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and start of the payload, up to the first scan."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ImageUnreadable("the JPEG's header is damaged")
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker in _BARE:
            continue
        if marker == _START_OF_SCAN:
            return
        yield marker, at + 2
        at += struct.unpack_from(">H", data, at)[0]


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ImageUnreadable("the PNG does not begin with its header")
    width, height = struct.unpack_from(">II", data, 16)
    return Header("png", width, height, _png_orientation(data))


def _png_orientation(data: bytes) -> int:
    for kind, start, length in _png_chunks(data):
        if kind == b"eXIf":
            return _exif_orientation(data[start : start + length])
    return 1


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start of the payload and its length, as far as the file goes."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, length
        at += 12 + length


def png_is_whole(data: bytes) -> bool:
    """False when a chunk up to the end mark claims more bytes than there are.

    OpenCV makes room for what a chunk claims before it looks for it: a file of 200
    bytes can cost it gigabytes. What cameras append behind the mark does not count.
    """
    for kind, start, length in _png_chunks(data):
        if start + length + 4 > len(data):
            return False
        if kind == b"IEND":
            return True
    return False


def tiff_as_stored(data: bytes) -> bytes:
    """The TIFF without its orientation: OpenCV would turn it, whatever it is told,
    and 8 bits unlike 16.
    """
    order = _byte_order(data)
    for tag, kind, at in _tiff_entries(data, order):
        if (tag, kind) == (_ORIENTATION, 3):
            patched = bytearray(data)
            struct.pack_into(order + "H", patched, at, 1)
            return bytes(patched)
    return data


def _bmp(data: bytes) -> Header:
    (kind,) = struct.unpack_from("<I", data, 14)
    if kind == 12:
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return Header("bmp", width, abs(height))


def _tiff(data: bytes) -> Header:
    tags = _tiff_tags(data)
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise ImageUnreadable("the TIFF does not tell its size")
    orientation = _valid(tags.get(_ORIENTATION, 1))
    return Header("tiff", tags[_WIDTH], tags[_HEIGHT], orientation, _tile(data))


def _tile(data: bytes) -> int:
    """0 for none. A tag that comes twice counts with its largest: who reads the file
    may take either.
    """
    order, sides = _byte_order(data), dict.fromkeys(_TILE_SIDES, 0)
    for tag, kind, at in _tiff_entries(data, order):
        if tag in sides:
            (side,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at)
            sides[tag] = max(sides[tag], side)
    return math.prod(sides.values())


def _webp(data: bytes) -> Header:
    kind, payload = data[12:16], 20
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return Header("webp", width, height, _webp_orientation(data))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, payload + 1)
        return Header("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, payload + 6)
        return Header("webp", width & 0x3FFF, height & 0x3FFF)
    raise ImageUnreadable("the WebP file holds no image")


def _webp_orientation(data: bytes) -> int:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return _exif_orientation(data[at + 8 :].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1


def _exif_orientation(block: bytes) -> int:
    """1 when the block is damaged: a picture is not lost for its notes."""
    try:
        return _valid(_tiff_tags(block).get(_ORIENTATION, 1))
    except (struct.error, ImageUnreadable):
        return 1


def _valid(orientation: int) -> int:
    return orientation if 1 <= orientation <= 8 else 1


def _tiff_tags(block: bytes) -> dict[int, int]:
    """Whole-number tags of the first directory of a TIFF (or EXIF) block."""
    order = _byte_order(block)
    return {
        tag: struct.unpack_from(order + {3: "H", 4: "I"}[kind], block, at)[0]
        for tag, kind, at in _tiff_entries(block, order)
        if kind in (3, 4)
    }


def _byte_order(block: bytes) -> str:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        raise ImageUnreadable("the TIFF's header is damaged")
    return order


def _tiff_entries(block: bytes, order: str) -> Iterator[tuple[int, int, int]]:
    """Tag, type and place of the value of each entry of the first directory."""
    (start,) = struct.unpack_from(order + "I", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", block, at)
        yield tag, kind, at + 8
