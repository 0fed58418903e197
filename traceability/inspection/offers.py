"""What somebody wants of a station's optics, and whether it can be."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from traceability.inspection.calibration import FIELD, MOST_SIDE, Calibration, wrong
from traceability.inspection.cameras import Optics
from traceability.inspection.lenses import shown_share
from traceability.lib.errors import BadInput, Fields

KEEP = "keep_calibration"
SMALLEST_REGION = 32
MOST_BENT = 32_766
"""Pixels a side of a photo that OpenCV still takes a lens's bending out of."""

MOST_ASIDE = 10.0
"""Focal lengths: 84 degrees beside its axis no lens of OpenCV's model sees a thing."""

LEAST_SHOWN = 0.02
"""Of what is looked at; a calibration that is not in pixels leaves less."""


@dataclass(frozen=True)
class Offer:
    """Optics as they are sent: `calibration` is a file of OpenCV, or that of the active
    ones is to `keep`; `size` (width, height) of the photos, wanted where the file does
    not say; `region` left, top, width, height; `denoise` 0 to 100 percent.
    """

    calibration: bytes | None = None
    keep: bool = False
    size: tuple[int, int] | None = None
    region: tuple[int, int, int, int] | None = None
    denoise: int = 0


def read_region(text: str) -> tuple[int, int, int, int] | None:
    """Of `left, top, width, height`, None of nothing. Raises `BadInput`."""
    numbers = re.split(r"[\s,;×]+", text.strip()) if text.strip() else []
    if not numbers:
        return None
    if len(numbers) != 4 or not all(re.fullmatch(r"\d{1,5}", n) for n in numbers):
        raise bad({"region": [_("Give left, top, width and height in pixels.")]})
    left, top, width, height = map(int, numbers)
    return left, top, width, height


def read_size(width: int | None, height: int | None) -> tuple[int, int] | None:
    """None of neither. Raises `BadInput`, naming the one that is missing."""
    if width is not None and height is not None:
        return width, height
    if width is None and height is None:
        return None
    missing = "width" if width is None else "height"
    raise bad({missing: [_("Give the photos' width and height together.")]})


@dataclass(frozen=True)
class Lens:
    """A calibration that was sent or kept, and the checksum of its file."""

    found: Calibration
    sha256: str


def columns(offer: Offer, lens: Lens | None) -> dict[str, Any]:
    """Of the row of `Optics`. Raises `BadInput`."""
    found = lens.found if lens else None
    if found is None and not offer.region and not offer.denoise:
        text = _("Send a calibration, a region or a denoise above 0.")
        raise bad({FIELD: [text]})
    width, height = _size(offer, found)
    if found is not None and aside(found.camera, width, height) > MOST_ASIDE:
        text = _(
            "The principal point {point} lies so far outside of {width} × {height} "
            "that no lens could show the photo."
        )
        point = principal_point(found.camera)
        raise wrong(text.format(point=point, width=width, height=height))
    if offer.region is not None:
        _check_region(offer.region, width, height)
    if not 0 <= offer.denoise <= 100:
        raise bad({"denoise": [_("Give 0 to 100 percent.")]})
    values = {
        "width": width,
        "height": height,
        "camera": list(found.camera) if found else [],
        "distortion": list(found.distortion) if found else [],
        "sha256": lens.sha256 if lens else "",
        "region": list(offer.region or ()),
        "denoise": offer.denoise,
    }
    _check_shown(Optics(**values))
    return values


def _check_shown(row: Optics) -> None:
    """Raises `BadInput` for a lens that leaves nothing of a photo: on grey nothing is
    found, and every unit would be good.
    """
    if shown_share(row) < LEAST_SHOWN:
        text = _(
            "Without this distortion next to nothing is left of the photo. Give focal "
            "lengths and principal point in pixels."
        )
        raise wrong(text)


def _size(offer: Offer, found: Calibration | None) -> tuple[int, int]:
    told = found.size if found else None
    size = told or offer.size
    if size is None:
        text = _("Say how large the station's photos are; the calibration does not.")
        raise bad({"width": [text], "height": [text]})
    if told and offer.size and told != offer.size:
        text = _("The calibration was made at {told}, not at {size}.")
        said = {"told": times(told), "size": times(offer.size)}
        raise bad({"width": [text.format(**said)], "height": [text.format(**said)]})
    most = MOST_BENT if found and found.distortion else MOST_SIDE
    if not all(0 < side <= most for side in size):
        text = _("Give 1 to {most} pixels.").format(most=most)
        raise bad({"width": [text], "height": [text]})
    return size


def aside(camera: Sequence[float], width: int, height: int) -> float:
    """How far the photo lies beside the point that the lens looks at, in focal lengths.

    0 when it is in the photo. Of a photo that is cut out of a larger one, by the camera
    or afterwards, it need not be.
    """
    fx, fy, x, y = camera
    return math.hypot(max(-x, 0.0, x - width) / fx, max(-y, 0.0, y - height) / fy)


def principal_point(camera: Sequence[float]) -> str:
    """As people read it."""
    return ", ".join(f"{value:g}" for value in camera[2:])


def _check_region(region: tuple[int, int, int, int], width: int, height: int) -> None:
    left, top, wide, tall = region
    if min(wide, tall) < SMALLEST_REGION:
        text = _("The region is {size}; at least {least} pixels a side are needed.")
        said = {"size": times((wide, tall)), "least": SMALLEST_REGION}
        raise bad({"region": [text.format(**said)]})
    if min(left, top) < 0 or left + wide > width or top + tall > height:
        text = _("The region reaches beyond the photo of {size}.")
        raise bad({"region": [text.format(size=times((width, height)))]})


def times(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def bad(fields: Fields) -> BadInput:
    return BadInput(next(iter(fields.values()))[0], fields=fields)
