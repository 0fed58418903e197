"""Small files that cost much, whatever size their headers tell."""

from __future__ import annotations

import io
import struct
import time
import zlib

import numpy as np
import pytest
import simplejpeg
from PIL import Image as Pillow
from PIL.TiffImagePlugin import TiffImageFile

from inference_worker.engine.decode import decode
from inference_worker.engine.errors import ImageTooLarge
from traceability.lib.errors import TooLarge, UnreadableImage
from traceability.lib.images import examine
from traceability.lib.scans import MAX_SCANS, has_too_many_scans

MOST = 50_000_000


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg_of_scans(count: int) -> bytes:
    """A good grey progressive JPEG of 8 x 8 pixels with so many empty scans."""
    frame = struct.pack(">BHHB", 8, 8, 8, 1) + b"\1\x11\0"
    one_code = bytes([1, *bytes(15)])
    tables = segment(0xC4, b"\0" + one_code + b"\0") + segment(
        0xC4, b"\x10" + one_code + b"\0"
    )
    first = segment(0xDA, b"\1\1\0\0\0\0") + b"\x7f"
    more = segment(0xDA, b"\1\1\0\1\x3f\0") + b"\x7f"
    head = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, frame) + tables
    return b"\xff\xd8" + head + first + more * (count - 1) + b"\xff\xd9"


def tiff_of_tiles(*sides: int, order: str = "<") -> bytes:
    """64 x 64 grey pixels in one tile, of one of these pairs of sides."""
    packed = zlib.compress(bytes(1000))
    told = list(zip([322, 323] * (len(sides) // 2), sides, strict=True))
    values = [(256, 64), (257, 64), (258, 8), (259, 8), (262, 1), (277, 1), *told]
    start = 8 + 2 + 12 * (len(values) + 2) + 4
    values += [(324, start), (325, len(packed))]
    entries = [struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in values]
    begin = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    count = struct.pack(order + "H", len(entries))
    return begin + count + b"".join(entries) + bytes(4) + packed


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded() -> None:
    data = jpeg_of_scans(500_000)
    assert len(data) < 20 * 2**20
    began = time.process_time()
    with pytest.raises(UnreadableImage, match="scans"):
        examine(data, "image", max_pixels=MOST)
    assert time.process_time() - began < 1


def test_as_many_scans_as_are_allowed_are_taken() -> None:
    data = jpeg_of_scans(MAX_SCANS)
    simplejpeg.decode_jpeg(data, "GRAY", strict=True)
    assert examine(data, "image", max_pixels=MOST).width == 8
    assert decode(data).shape == (8, 8, 3)
    with pytest.raises(UnreadableImage, match="scans"):
        examine(jpeg_of_scans(MAX_SCANS + 1), "image", max_pixels=MOST)


def test_what_looks_like_scans_and_is_none_does_not_count() -> None:
    """Thumbnails in its notes, and what cameras append behind its end mark."""
    out = io.BytesIO()
    Pillow.fromarray(np.zeros((8, 8), np.uint8)).save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    notes = segment(0xE5, b"\xff\xda" * 400)
    data = whole[:2] + notes + whole[2:] + b"\xff\xda\0\x08" * 400
    assert examine(data, "image", max_pixels=MOST).width == 8
    assert decode(data).shape == (8, 8, 3)


def test_nobody_counts_for_seconds() -> None:
    data = b"\xff\xd8" + b"\xff\xe1\0\2" * 5_000_000 + b"\xff\xda" * 200
    began = time.process_time()
    assert has_too_many_scans(data)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "sides", [(32_768, 32_768), (32_768, 32_768, 16, 16), (16, 16, 2**31, 2**31)]
)
def test_a_tiff_of_giant_tiles_is_refused_before_it_is_decoded(
    order: str, sides: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would be filled: 1.1 GB for a file of 1 kB."""
    data = tiff_of_tiles(*sides, order=order)
    monkeypatch.setattr(TiffImageFile, "load", pytest.fail)
    with pytest.raises(TooLarge, match="tiles") as caught:
        examine(data, "image", max_pixels=MOST)
    assert caught.value.code == "image_too_large"
    with pytest.raises(ImageTooLarge, match="tiles"):
        decode(data)


def test_a_bigtiff_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.BytesIO()
    Pillow.fromarray(np.zeros((8, 8), np.uint8)).save(out, "TIFF", big_tiff=True)
    monkeypatch.setattr(TiffImageFile, "load", pytest.fail)
    with pytest.raises(UnreadableImage, match="BigTIFF"):
        examine(out.getvalue(), "image", max_pixels=MOST)
