"""What an upload takes, the detector can read: two libraries, one verdict."""

from __future__ import annotations

import io

import numpy as np
import pytest
import simplejpeg
from PIL import ExifTags
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from inference_worker.engine.decode import decode
from inference_worker.engine.errors import ImageError
from traceability.lib.errors import TooLarge, UnreadableImage
from traceability.lib.images import as_seen, examine

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
KINDS = ["JPEG", "PNG", "BMP", "TIFF", "WEBP"]


def saved(kind, mode="RGB", **options):
    out = io.BytesIO()
    Pillow.fromarray(PIXELS).convert(mode).save(out, kind, **options)
    return out.getvalue()


def size(data):
    facts = examine(data, "image", max_pixels=50_000_000)
    return facts.width, facts.height


def accepted(data):
    try:
        size(data)
    except (UnreadableImage, TooLarge):
        return False
    return True


def damaged(data):
    """A JPEG with noise where its second half was, its end mark in place."""
    noise = np.random.default_rng(1).integers(0, 255, 400, np.uint8).tobytes()
    at = len(data) // 2
    return data[:at] + noise + data[at + 400 :]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (saved("TIFF", big_tiff=True), "BigTIFF"),
        (saved("TIFF", compression="lzma"), "packed in a way"),
        (saved("TIFF", compression="zstd"), "packed in a way"),
        (damaged(saved("JPEG")), "damaged"),
        (saved("PNG")[:-12], "ends too early"),
    ],
    ids=["BigTIFF", "LZMA", "ZSTD", "JPEG", "PNG"],
)
def test_what_the_detector_cannot_read_is_refused_at_once(data, words):
    with pytest.raises(UnreadableImage, match=words) as caught:
        size(data)
    assert caught.value.fields["image"]
    with pytest.raises(ImageError):
        decode(data)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_both_agree_on_the_upright_size(kind, orientation):
    notes = Pillow.Exif()
    notes[ExifTags.Base.Orientation] = orientation
    data = saved(kind, exif=notes)
    assert size(data) == decode(data).shape[1::-1]


def told_elsewhere(kind):
    """Turned, as XMP says, or old notes in a PNG; EXIF is silent."""
    xmp = '<r:Description xmlns:r="r" tiff:Orientation="6"/>'
    notes = Pillow.Exif()
    notes[ExifTags.Base.Orientation] = 6
    old = notes.tobytes()
    if kind == "TIFF":
        return saved(kind, tiffinfo={700: xmp.encode()})
    if kind == "PNG":
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp)
        head = f"\nexif\n{len(old)}\n"
        texts.add_text("Raw profile type exif", head + old.hex())
        return saved(kind, pnginfo=texts)
    return saved(kind, xmp=xmp.encode())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_only_exif_turns_a_photo_on_pages_as_in_the_detector(kind):
    data = told_elsewhere(kind)
    shown = as_seen(Pillow.open(io.BytesIO(data)))
    assert size(data) == shown.size == decode(data).shape[1::-1] == (90, 60)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_page_shows_what_the_detector_saw(kind, orientation):
    notes = Pillow.Exif()
    notes[ExifTags.Base.Orientation] = orientation
    data = saved(kind, exif=notes)
    shown = as_seen(Pillow.open(io.BytesIO(data)))
    assert np.array_equal(np.asarray(shown), decode(data))


def test_long_notes_turn_a_photo_once():
    """What does not fit into one segment of a JPEG goes on in the next."""
    notes = Pillow.Exif()
    notes[ExifTags.Base.Orientation] = 6
    data = saved("JPEG", exif=notes)
    at = data.index(b"Exif") - 4
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    more = b"\xff\xe1\0\x1cExif\0\0" + bytes(20)
    data = data[:end] + more + data[end:]
    assert size(data) == decode(data).shape[1::-1] == (60, 90)


@pytest.mark.parametrize(
    "data",
    [
        saved("PNG") + b"what a camera noted",
        saved("JPEG") + b"what a camera noted",
        saved("JPEG", "CMYK"),
        saved("JPEG", "L", progressive=True),
        saved("PNG", "P"),
        saved("TIFF", "1", compression="group4"),
        saved("TIFF", "CMYK"),
        saved("TIFF", compression="tiff_lzw"),
        saved("WEBP", "RGBA"),
    ],
)
def test_what_both_can_read_is_taken(data):
    assert size(data) == decode(data).shape[1::-1] == (90, 60)


@pytest.mark.parametrize("kind", KINDS)
def test_no_mangled_file_is_taken_that_the_detector_refuses(kind):
    """Accepting less than the detector does is fine; more is not."""
    chance = np.random.default_rng(KINDS.index(kind))
    whole = np.frombuffer(saved(kind), np.uint8)
    for _ in range(150):
        mangled = whole.copy()
        places = chance.integers(0, chance.choice([60, len(whole)]), 3)
        mangled[places] = chance.integers(0, 256, 3)
        if accepted(mangled.tobytes()):
            decode(mangled.tobytes())


def test_a_jpeg_is_looked_at_once_at_an_eighth_of_its_size(monkeypatch):
    decode_jpeg, shapes = simplejpeg.decode_jpeg, []

    def noted(*args, **options):
        shapes.append(decode_jpeg(*args, **options).shape)

    monkeypatch.setattr(simplejpeg, "decode_jpeg", noted)
    size(saved("JPEG"))
    assert shapes == [(8, 12, 1)]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_no_mangled_jpeg_is_taken_that_pages_cannot_show(options):
    """It is looked at small and grey; pages show it large and in colour."""
    chance = np.random.default_rng(len(options))
    whole = np.frombuffer(saved("JPEG", **options), np.uint8)
    taken = 0
    for _ in range(300):
        mangled = whole[: chance.integers(len(whole) // 2, 2 * len(whole))].copy()
        places = chance.integers(0, chance.choice([200, len(mangled)]), 2)
        mangled[places] = chance.integers(0, 256, 2)
        if accepted(mangled.tobytes()):
            taken += 1
            as_seen(Pillow.open(io.BytesIO(mangled.tobytes()))).convert("RGB")
    assert taken > 10
