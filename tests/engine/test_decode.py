from __future__ import annotations

import io
import os
import resource
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags
from PIL import Image as Pillow

from inference_worker.engine import decode as module
from inference_worker.engine.decode import decode, decode_file
from inference_worker.engine.errors import ImageError, ImageTooLarge, ImageUnreadable
from inference_worker.engine.headers import Header, read_header

EXACT = [".png", ".bmp", ".tiff"]
ALL = [*EXACT, ".webp", ".jpg"]


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    """Smooth, and no two edges alike, so that a turn or a swap shows."""
    y, x = np.mgrid[0:height, 0:width]
    return np.dstack([2 * x, 3 * y, 255 - 2 * x]).astype(np.uint8)


def encode(pixels: np.ndarray, suffix: str) -> bytes:
    """RGB (or grey, or RGBA) pixels as a file."""
    if pixels.ndim == 3:
        pixels = np.dstack([pixels[..., 2::-1], pixels[..., 3:]])
    return bytes(cv2.imencode(suffix, pixels)[1].tobytes())


def exif(orientation: int, order: str = "<") -> bytes:
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0)
    return magic + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def jpeg_with(block: bytes, pixels: np.ndarray) -> bytes:
    data = encode(pixels, ".jpg")
    payload = b"Exif\0\0" + block
    return (
        data[:2]
        + b"\xff\xe1"
        + struct.pack(">H", len(payload) + 2)
        + payload
        + data[2:]
    )


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    checksum = zlib.crc32(kind + payload)
    return (
        struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)
    )


@pytest.mark.parametrize("suffix", EXACT)
def test_lossless_formats_come_back_as_they_were(suffix: str) -> None:
    assert np.array_equal(decode(encode(picture(), suffix)), picture())


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_come_back_in_the_right_colours(suffix: str) -> None:
    gap = decode(encode(picture(), suffix)).astype(int) - picture()
    assert np.abs(gap).mean() < 6


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".bmp", ".jpg"])
def test_greyscale_is_repeated(suffix: str) -> None:
    grey = np.full((20, 30), 77, np.uint8)
    assert (decode(encode(grey, suffix)) == 77).all()
    assert decode(encode(grey, suffix)).shape == (20, 30, 3)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_become_eight_and_white_stays_white(suffix: str) -> None:
    deep = picture().astype(np.uint16) * 257
    assert np.array_equal(decode(encode(deep, suffix)), picture())


def test_one_bit_is_black_and_white() -> None:
    data = cv2.imencode(
        ".png", np.eye(16, dtype=np.uint8) * 255, [cv2.IMWRITE_PNG_BILEVEL, 1]
    )[1].tobytes()
    assert np.array_equal(decode(data)[..., 0], np.eye(16) * 255)


def test_alpha_is_dropped() -> None:
    clear = np.dstack([picture(), np.zeros((60, 90, 1), np.uint8)])
    assert np.array_equal(decode(encode(clear, ".png")), picture())


def test_floating_point_is_refused() -> None:
    data = encode(picture().astype(np.float32), ".tiff")
    with pytest.raises(ImageUnreadable, match="float32"):
        decode(data)


TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", TURNS)
def test_a_jpeg_is_turned_upright(orientation: int, order: str) -> None:
    data = jpeg_with(exif(orientation, order), picture())
    straight = decode(encode(picture(), ".jpg"))
    assert np.array_equal(decode(data), TURNS[orientation](straight))


@pytest.mark.parametrize("orientation", TURNS)
def test_opencv_turns_it_the_same_way(orientation: int) -> None:
    data = jpeg_with(exif(orientation), picture())
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(decode(data).astype(int) - theirs).max() <= 2


def test_a_png_is_turned_upright() -> None:
    data = encode(picture(), ".png")
    data = data[:33] + png_chunk(b"eXIf", exif(6)) + data[33:]
    assert np.array_equal(decode(data), np.rot90(picture(), -1))


def turned(suffix: str, orientation: int, pixels: np.ndarray) -> bytes:
    """The picture as a file of this kind whose EXIF asks for it."""
    out = io.BytesIO()
    notes = Pillow.Exif()
    notes[ExifTags.Base.Orientation] = orientation
    kind = {".jpg": "JPEG", ".png": "PNG", ".tiff": "TIFF", ".webp": "WEBP"}[suffix]
    Pillow.fromarray(pixels).save(out, kind, exif=notes)
    return out.getvalue()


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".webp"])
def test_every_kind_is_turned_upright_once(suffix: str, orientation: int) -> None:
    straight = decode(turned(suffix, 1, picture()))
    found = decode(turned(suffix, orientation, picture()))
    assert np.array_equal(found, TURNS[orientation](straight))


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["grey", "alpha", "deep", "deep alpha"])
def test_a_tiff_of_any_depth_is_turned_once(kind: str, orientation: int) -> None:
    pixels = picture()
    if kind == "grey":
        pixels = pixels[..., 0]
    if "alpha" in kind:
        pixels = np.dstack([pixels, np.full((60, 90, 1), 255, np.uint8)])
    deep = pixels.astype(np.uint16) * 257 if "deep" in kind else pixels
    data = encode(deep, ".tiff")
    straight = decode(data)
    assert np.array_equal(
        decode(orient(data, orientation)), TURNS[orientation](straight)
    )


def orient(data: bytes, orientation: int) -> bytes:
    """The TIFF with another directory behind it, which has the tag too."""
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    entries = [data[start + 2 + 12 * n :][:12] for n in range(count)]
    entries.append(struct.pack("<HHIHH", 274, 3, 1, orientation, 0))
    entries.sort(key=lambda entry: entry[:2][::-1])
    directory = struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory


@pytest.mark.parametrize("block", [b"", b"II*\0", exif(99), exif(6)[:14], b"\0" * 40])
def test_damaged_exif_does_not_cost_the_picture(block: bytes) -> None:
    assert decode(jpeg_with(block, picture())).shape == (60, 90, 3)


@pytest.mark.parametrize("suffix", ALL)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_file_cut_short_is_refused(suffix: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    data = encode(noise, suffix)
    with pytest.raises(ImageUnreadable):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("extra", [b"\0", b"\0" * 40, b"camera notes, at length"])
def test_what_cameras_append_to_a_png_is_passed_over(extra: bytes) -> None:
    assert np.array_equal(decode(encode(picture(), ".png") + extra), picture())


@pytest.mark.parametrize(
    "data", [b"", b"hello, I am a text file named .jpg\n", b"GIF89a" + bytes(50), b"BM"]
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        decode(data)


def bomb(suffix: str, side: int) -> bytes:
    """A file whose header promises side x side pixels."""
    if suffix == ".png":
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    if suffix == ".jpg":
        frame = struct.pack(">HBHHB", 17, 8, side, side, 3) + bytes(9)
        return b"\xff\xd8\xff\xc0" + frame
    if suffix == ".bmp":
        return b"BM" + bytes(12) + struct.pack("<Iii", 40, side, -side) + bytes(28)
    if suffix == ".webp":
        size = (side - 1).to_bytes(3, "little")
        return b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size + size
    tags = struct.pack("<HHII", 256, 4, 1, side) + struct.pack("<HHII", 257, 4, 1, side)
    return b"II*\0" + struct.pack("<IH", 8, 2) + tags + bytes(4)


@pytest.mark.parametrize("suffix", ALL)
def test_a_bomb_is_refused_before_any_pixel(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        pytest.fail("it was decoded")

    monkeypatch.setattr(module, "_pixels", never)
    with pytest.raises(ImageTooLarge, match="14000 x 14000"):
        decode(bomb(suffix, 14_000))


@pytest.mark.parametrize("suffix", ALL)
def test_a_header_without_pixels_is_unreadable(suffix: str) -> None:
    with pytest.raises(ImageUnreadable):
        decode(bomb(suffix, 100))


def test_a_chunk_that_claims_too_much_gets_no_memory() -> None:
    data = bytearray(encode(picture(), ".png"))
    data[33:37] = struct.pack(">I", 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImageUnreadable):
        decode(bytes(data))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 50_000  # KB


def test_pixels_that_differ_from_their_header_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "read_header", lambda _: Header("png", 9, 6))
    with pytest.raises(ImageUnreadable, match="differs in size"):
        decode(encode(picture(), ".png"))


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(ImageTooLarge, match="at most 20"):
        decode(encode(picture(), ".png") + bytes(module.MAX_BYTES))


def test_fifty_megapixels_are_just_allowed() -> None:
    assert module.check_size(bomb(".png", 7071)).width == 7071
    with pytest.raises(ImageTooLarge):
        module.check_size(bomb(".png", 7072))


def test_an_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("not a picture")
    with pytest.raises(ImageUnreadable, match=r"a\.jpg: not a JPEG"):
        decode_file(path)
    with pytest.raises(ImageUnreadable, match=r"b\.jpg: No such file"):
        decode_file(tmp_path / "b.jpg")


@pytest.mark.timeout(20)
def test_what_has_no_end_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "folder.png").mkdir()
    for path in tmp_path.iterdir():
        with pytest.raises(ImageUnreadable, match=rf"{path.name}: not a plain file"):
            decode_file(path)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ALL), st.data())
def test_a_mangled_file_is_read_or_refused_and_nothing_else(
    suffix: str, data: st.DataObject
) -> None:
    mangled = bytearray(encode(picture(), suffix))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(mangled), 200) - 1))
        mangled[at] = data.draw(st.integers(0, 255))
    try:
        pixels = decode(bytes(mangled))
    except ImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3


@given(st.sampled_from([bomb(suffix, 50)[:16] for suffix in ALL]), st.binary())
def test_any_header_is_read_or_refused_and_nothing_else(
    start: bytes, rest: bytes
) -> None:
    try:
        header = read_header(start + rest)
    except ImageError:
        return
    assert header.width > 0
    assert header.height > 0


def test_cmyk_jpegs_are_read() -> None:
    inks = np.dstack([picture(), 255 - picture()[..., :1]])
    data = simplejpeg.encode_jpeg(inks, colorspace="CMYK")
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(decode(data).astype(int) - theirs).max() <= 2
