"""What a labelled folder becomes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.types import FloatArray, IndexArray


@dataclass(frozen=True, eq=False, slots=True)
class Labelled:
    """One image with its boxes; its pixels are still on disk.

    `boxes` is float32 (n, 4): left, top, right, bottom in pixels of the image, inside
    it; `class_ids` int64 (n,) into the listing's classes. `width` and `height` are
    those of the upright picture that `decode_file` gives. `grey`: its three channels
    are equal; `two_levels`: all values are 0 or 255. `template` is its golden image,
    of the same size, where there is one.
    `digest` is the SHA-256 of the file: copies never straddle a split.
    """

    path: Path
    template: Path | None
    width: int
    height: int
    boxes: FloatArray
    class_ids: IndexArray
    grey: bool
    digest: str = ""
    two_levels: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """What the survey noticed; `file` is "" when it concerns the whole folder.

    A `fatal` one keeps the image out of training.
    """

    file: str
    code: str
    text: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The images of a folder that can be trained on, in the folder's order."""

    classes: tuple[str, ...]
    samples: tuple[Labelled, ...]
    remarks: tuple[Remark, ...] = ()
