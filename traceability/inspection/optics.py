"""Optics of stations: store them, retire them, find them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from traceability.accounts.models import ApiKey, User
from traceability.catalog.models import Site, Station
from traceability.inspection.calibration import (
    FIELD,
    MOST_SIDE,
    Calibration,
    read_calibration,
    wrong,
)
from traceability.inspection.cameras import Optics
from traceability.inspection.lenses import folds
from traceability.inspection.models import Image
from traceability.lib.errors import BadInput, Fields
from traceability.lib.images import ImageFacts

CAMERA_MISMATCH = "camera_mismatch"
"""The error of an inspection whose photo has another size than its station's optics."""

SMALLEST_REGION = 32
MOST_BENT = 32_766
"""Pixels a side of a photo that OpenCV still takes a lens's bending out of."""


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
        raise _bad({"region": [_("Give left, top, width and height in pixels.")]})
    left, top, width, height = map(int, numbers)
    return left, top, width, height


@dataclass(frozen=True)
class Stored:
    """`created` is false when the same were active already."""

    optics: Optics
    created: bool
    warnings: list[dict[str, str]] = field(default_factory=list)


def store(station: Station, offer: Offer, by: ApiKey | User) -> Stored:
    """Make the offer the station's active optics; photos taken in from now on get them.

    The ones before are retired. Raises `BadInput` or `TooLarge`, naming fields.
    """
    stored = _replace(station, offer, by)
    return Stored(stored.optics, stored.created, warnings(stored.optics))


@dataclass(frozen=True)
class _Lens:
    found: Calibration
    sha256: str


def _lens(station: Station, offer: Offer) -> _Lens | None:
    """What was sent, or what is to be kept."""
    data = offer.calibration
    if data is not None:
        return _Lens(read_calibration(data), hashlib.sha256(data).hexdigest())
    kept = active(station).first() if offer.keep else None
    if kept is None or not kept.camera:
        return None
    size = (kept.width, kept.height)
    found = Calibration(tuple(kept.camera), tuple(kept.distortion), size)
    return _Lens(found, kept.sha256)


def _checked(offer: Offer, lens: _Lens | None) -> dict[str, object]:
    """The columns of the row."""
    found = lens.found if lens else None
    if found is None and not offer.region and not offer.denoise:
        text = _("Send a calibration, a region or a denoise above 0.")
        raise _bad({FIELD: [text]})
    width, height = _size(offer, found)
    if found is not None and not _sees(found, width, height):
        text = _("The principal point {point} lies outside of {width} × {height}.")
        point = ", ".join(f"{value:g}" for value in found.camera[2:])
        raise wrong(text.format(point=point, width=width, height=height))
    if offer.region is not None:
        _check_region(offer.region, width, height)
    if not 0 <= offer.denoise <= 100:
        raise _bad({"denoise": [_("Give 0 to 100 percent.")]})
    return {
        "width": width,
        "height": height,
        "camera": list(found.camera) if found else [],
        "distortion": list(found.distortion) if found else [],
        "sha256": lens.sha256 if lens else "",
        "region": list(offer.region or ()),
        "denoise": offer.denoise,
    }


def _size(offer: Offer, found: Calibration | None) -> tuple[int, int]:
    told = found.size if found else None
    size = told or offer.size
    if size is None:
        text = _("Say how large the station's photos are; the calibration does not.")
        raise _bad({"width": [text], "height": [text]})
    if told and offer.size and told != offer.size:
        text = _("The calibration was made at {told}, not at {size}.")
        said = {"told": _times(told), "size": _times(offer.size)}
        raise _bad({"width": [text.format(**said)], "height": [text.format(**said)]})
    most = MOST_BENT if found and found.distortion else MOST_SIDE
    if not all(0 < side <= most for side in size):
        text = _("Give 1 to {most} pixels.").format(most=most)
        raise _bad({"width": [text], "height": [text]})
    return size


def _sees(found: Calibration, width: int, height: int) -> bool:
    x, y = found.camera[2:]
    return 0 <= x <= width and 0 <= y <= height


def _check_region(region: tuple[int, int, int, int], width: int, height: int) -> None:
    left, top, wide, tall = region
    if min(wide, tall) < SMALLEST_REGION:
        text = _("The region is {size}; at least {least} pixels a side are needed.")
        said = {"size": _times((wide, tall)), "least": SMALLEST_REGION}
        raise _bad({"region": [text.format(**said)]})
    if min(left, top) < 0 or left + wide > width or top + tall > height:
        text = _("The region reaches beyond the photo of {size}.")
        raise _bad({"region": [text.format(size=_times((width, height)))]})


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _bad(fields: Fields) -> BadInput:
    return BadInput(next(iter(fields.values()))[0], fields=fields)


@transaction.atomic
def _replace(station: Station, offer: Offer, by: ApiKey | User) -> Stored:
    """Retire what is active and write the new row, one at a time for a station: what
    is kept of the active one is of the one that it replaces.
    """
    Station.objects.select_for_update(no_key=True).get(pk=station.pk)
    values = _checked(offer, _lens(station, offer))
    before = active(station).first()
    if before and all(getattr(before, name) == value for name, value in values.items()):
        return Stored(before, created=False)
    now = timezone.now()
    active(station).update(retired_at=now)
    author = {"api_key": by} if isinstance(by, ApiKey) else {"user": by}
    row = Optics.objects.create(station=station, created_at=now, **values, **author)
    return Stored(row, created=True)


def retire(optics: Optics) -> Optics:
    """Use them for no further photo; what was taken with them keeps them. Safe to
    repeat.
    """
    mine = Optics.objects.filter(pk=optics.pk, retired_at__isnull=True)
    mine.update(retired_at=timezone.now())
    optics.refresh_from_db(fields=["retired_at"])
    return optics


def active(station: Station) -> QuerySet[Optics]:
    """None or one."""
    return Optics.objects.filter(station=station, retired_at__isnull=True)


def visible(sites: Iterable[Site]) -> QuerySet[Optics]:
    """The optics of these sites, with all that is shown of them."""
    found = Optics.objects.filter(station__site__in=sites)
    return found.select_related("station__line", "api_key", "user")


def stations(sites: Iterable[Site]) -> QuerySet[Station]:
    """The stations of these sites, each with its active optics in the list `in_use`."""
    used = Optics.objects.filter(retired_at__isnull=True)
    found = Station.objects.filter(site__in=sites).select_related("line")
    return found.prefetch_related(Prefetch("optics", used, to_attr="in_use"))


def newest_photo(station: Station) -> Image | None:
    """The one that was taken last."""
    found = Image.objects.filter(station=station)
    return found.order_by("-captured_at").first()


def unfit(optics: Optics, photo: ImageFacts | Image) -> list[dict[str, str]]:
    """A warning when photos of this size cannot be corrected by them."""
    if (photo.width, photo.height) == (optics.width, optics.height):
        return []
    text = _(
        "The photo has {photo} pixels, the camera of {station} was set up for "
        "{optics}; its inspection fails."
    ).format(
        photo=_times((photo.width, photo.height)),
        station=optics.station,
        optics=_times((optics.width, optics.height)),
    )
    return [{"code": CAMERA_MISMATCH, "message": text}]


def warnings(optics: Optics) -> list[dict[str, str]]:
    """What may be wrong with them, though they can be used."""
    newest = newest_photo(optics.station)
    found = unfit(optics, newest) if newest else []
    if folds(optics):
        text = _(
            "Towards the edges this calibration shows places of the photo twice. "
            "Calibrate with pictures that reach into the corners, or cut a region."
        )
        found.append({"code": "lens_folds", "message": text})
    return found
