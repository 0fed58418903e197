"""Optics of stations: store them, retire them, find them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from traceability.accounts.models import ApiKey, User
from traceability.catalog.models import Site, Station
from traceability.inspection.calibration import Calibration, read_calibration
from traceability.inspection.cameras import Optics
from traceability.inspection.lenses import folds, shown_share
from traceability.inspection.models import Image
from traceability.inspection.offers import (
    KEEP,
    Lens,
    Offer,
    aside,
    bad,
    columns,
    principal_point,
    times,
)
from traceability.lib.images import ImageFacts

CAMERA_MISMATCH = "camera_mismatch"
"""The error of an inspection whose photo has another size than its station's optics."""

MUCH_SHOWN = 0.5
"""Of what is looked at; lenses that bend much leave four fifths."""


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


def _lens(station: Station, offer: Offer) -> Lens | None:
    """What was sent, or what is to be kept."""
    data = offer.calibration
    if data is not None:
        return Lens(read_calibration(data), hashlib.sha256(data).hexdigest())
    if not offer.keep:
        return None
    kept = active(station).first()
    if kept is None or not kept.camera:
        text = _("{station} has no calibration in use that could be kept.")
        raise bad({KEEP: [text.format(station=station)]})
    size = (kept.width, kept.height)
    found = Calibration(tuple(kept.camera), tuple(kept.distortion), size)
    return Lens(found, kept.sha256)


@transaction.atomic
def _replace(station: Station, offer: Offer, by: ApiKey | User) -> Stored:
    """Retire what is active and write the new row, one at a time for a station: what
    is kept of the active one is of the one that it replaces.
    """
    Station.objects.select_for_update(no_key=True).get(pk=station.pk)
    values = columns(offer, _lens(station, offer))
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
        photo=times((photo.width, photo.height)),
        station=optics.station,
        optics=times((optics.width, optics.height)),
    )
    return [{"code": CAMERA_MISMATCH, "message": text}]


def warnings(optics: Optics) -> list[dict[str, str]]:
    """What may be wrong with them, though they can be used."""
    newest = newest_photo(optics.station)
    found = unfit(optics, newest) if newest else []
    if optics.distortion and aside(optics.camera, optics.width, optics.height):
        text = _(
            "The principal point {point} lies outside of {size}. That is right for "
            "photos cut out of larger ones, and wrong for a calibration made at "
            "another resolution."
        )
        told = {
            "point": principal_point(optics.camera),
            "size": times((optics.width, optics.height)),
        }
        message = text.format(**told)
        found.append({"code": "principal_point_outside", "message": message})
    share = shown_share(optics)
    if share < MUCH_SHOWN:
        text = _(
            "Without this distortion {share} % of what is looked at is left, the rest "
            "is grey, where no defect is found. Look at the preview."
        )
        message = text.format(share=round(100 * share))
        found.append({"code": "lens_shows_little", "message": message})
    if folds(optics):
        text = _(
            "Towards the edges this calibration shows places of the photo twice. "
            "Calibrate with pictures that reach into the corners, or cut a region."
        )
        found.append({"code": "lens_folds", "message": text})
    return found
