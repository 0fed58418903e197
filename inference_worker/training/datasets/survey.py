"""Opening every image before training, on every core, as inference would."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.decode import examine, read_file
from inference_worker.engine.errors import ImageError
from inference_worker.engine.types import Image

MAX_THREADS = 16


@dataclass(frozen=True, slots=True)
class Seen:
    """One image that decodes. `stored` is its size before EXIF turned it.

    `changed` are the codes of what decoding had to change: sixteen_bit, cmyk, alpha.
    """

    size: tuple[int, int]
    stored: tuple[int, int]
    changed: tuple[str, ...]
    grey: bool
    two_levels: bool
    digest: str


def look_at(paths: Sequence[Path]) -> list[Seen | ImageError]:
    """Each file decoded in full, or why it cannot be.

    OpenCV and libjpeg let go of the interpreter, so threads share the work. At most
    MAX_THREADS pictures are in memory at a time. Raises PackageMissing.
    """
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(_look, paths))


def _look(path: Path) -> Seen | ImageError:
    try:
        data = read_file(path)
        picture = examine(data)
    except ImageError as error:
        return error
    height, width = picture.pixels.shape[:2]
    inks = picture.header.format == "jpeg"
    changed = []
    if picture.bits > 8:
        changed.append("sixteen_bit")
    if picture.channels == 4:
        changed.append("cmyk" if inks else "alpha")
    return Seen(
        (width, height),
        (picture.header.width, picture.header.height),
        tuple(changed),
        picture.channels == 1 or _is_grey(picture.pixels),
        has_two_levels(picture.pixels),
        hashlib.sha256(data).hexdigest(),
    )


def _is_grey(pixels: Image) -> bool:
    """Three equal channels; a coarse look first, as most colours show there."""
    return all(
        bool((some[..., :1] == some[..., 1:]).all())
        for some in (pixels[::16, ::16], pixels)
    )


def has_two_levels(pixels: Image) -> bool:
    """Black and white with nothing between, as a 1-bit scanner gives it."""
    return all(
        bool(((some == 0) | (some == 255)).all())
        for some in (pixels[::16, ::16], pixels)
    )
