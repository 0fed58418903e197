"""Golden templates: store one for a product and station, retire it, find it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from traceability.accounts.models import ApiKey
from traceability.catalog.models import Product, Site, Station
from traceability.inspection import media
from traceability.inspection.fitting import check_size
from traceability.inspection.models import GoldenTemplate, Inspection, InspectionState
from traceability.lib.errors import UnknownReference
from traceability.lib.images import ImageFacts, examine
from traceability.production.models import Unit

TEMPLATE_MISSING = "template_missing"
"""The error of an inspection whose model wanted a template that nobody had stored."""

TEMPLATE_MISMATCH = "template_mismatch"
"""The error of one whose template does not fit the photo, or shows another board."""


@dataclass(frozen=True)
class Offer:
    """A golden template as it is sent; product and station are codes."""

    product: str
    station: str
    image: bytes


@dataclass(frozen=True)
class Stored:
    """`created` is false when the same bytes were active already."""

    template: GoldenTemplate
    created: bool


def store(key: ApiKey, offer: Offer) -> Stored:
    """Make the image the active template of its product and station.

    The one before is retired, its row and file stay. Raises `UnknownReference`,
    `UnreadableImage`, `BadInput`, `TooLarge` or `NoSpace`; nothing is stored then.
    """
    product = _product_named(key.site_id, offer.product)
    station = station_named(key.site_id, offer.station)
    facts = examine(offer.image, "image", max_pixels=settings.MAX_IMAGE_PIXELS)
    check_size(facts, "image")
    found = _same(product, station, offer.image)
    if found is not None:
        return Stored(found, created=False)
    name = media.store(offer.image, timezone.now())
    try:
        stored = _replace(key, product, station, offer.image, facts, name)
    except (OperationalError, InterfaceError):
        # Perhaps it did commit before the connection broke: the sweep will know.
        raise
    except BaseException:
        media.remove(name)
        raise
    if not stored.created:
        media.remove(name)
    return stored


@transaction.atomic
def _replace(
    key: ApiKey,
    product: Product,
    station: Station,
    data: bytes,
    facts: ImageFacts,
    name: str,
) -> Stored:
    """Retire what is active and write the new row, one at a time for a station."""
    Station.objects.select_for_update(no_key=True).get(pk=station.pk)
    found = _same(product, station, data)
    if found is not None:  # sent twice at once
        return Stored(found, created=False)
    now = timezone.now()
    active(product, station).update(retired_at=now)
    row = GoldenTemplate.objects.create(
        product=product,
        station=station,
        api_key=key,
        file=name,
        media_type=facts.media_type,
        sha256=media.sha256(data),
        width=facts.width,
        height=facts.height,
        size=len(data),
        created_at=now,
    )
    return Stored(row, created=True)


def _same(product: Product, station: Station, data: bytes) -> GoldenTemplate | None:
    return active(product, station).filter(sha256=media.sha256(data)).first()


def retire(template: GoldenTemplate) -> GoldenTemplate:
    """Use it for no further photo; what was seen with it keeps it. Safe to repeat."""
    mine = GoldenTemplate.objects.filter(pk=template.pk)
    mine.filter(retired_at__isnull=True).update(retired_at=timezone.now())
    template.refresh_from_db(fields=["retired_at"])
    return template


def active(product: Product | int, station: Station) -> QuerySet[GoldenTemplate]:
    """None or one."""
    return GoldenTemplate.objects.filter(
        product=product, station=station, retired_at__isnull=True
    )


def golden_of(unit: Unit, station: Station) -> GoldenTemplate | None:
    """What a photo of this unit at this station is compared with, if anything.

    A placeholder has no product yet, and so no template.
    """
    if unit.product_id is None:
        return None
    return next(iter(active(unit.product_id, station)), None)


def visible(sites: Iterable[Site]) -> QuerySet[GoldenTemplate]:
    """The templates of these sites, with all that is shown of them."""
    found = GoldenTemplate.objects.filter(station__site__in=sites)
    return found.select_related("product", "station__line", "api_key")


@dataclass(frozen=True)
class Want:
    """Photos that failed for want of a template; no product when it is not known.

    `wrong` when they were compared with one, the active one, that does not show them.
    """

    product: str | None
    station: str
    photos: int
    wrong: bool = False


def wanting(sites: Iterable[Site], within: timedelta = timedelta(days=1)) -> list[Want]:
    """Products and stations whose newest photos found no template or a wrong one, the
    most photos first; those that have one, or another one, by now are not among them.
    """
    there = GoldenTemplate.objects.filter(
        product=OuterRef("image__unit__product"),
        station=OuterRef("image__station"),
        retired_at__isnull=True,
    )
    same = there.filter(file=OuterRef("image__template"))
    failed = Inspection.objects.filter(
        created_at__gte=timezone.now() - within,
        state=InspectionState.FAILED,
        image__site__in=sites,
    ).filter(
        Q(Q(error_code=TEMPLATE_MISSING), ~Exists(there))
        | Q(Q(error_code=TEMPLATE_MISMATCH), Exists(same))
    )
    names = {"product": F("image__unit__product__code")}
    rows = failed.values("error_code", station=F("image__station__code"), **names)
    counted = rows.annotate(photos=Count("pk")).order_by("-photos", "station")
    return [
        Want(
            row["product"],
            row["station"],
            row["photos"],
            wrong=row["error_code"] == TEMPLATE_MISMATCH,
        )
        for row in counted
    ]


def station_named(site_id: int, code: str) -> Station:
    """With its line; raises `UnknownReference`."""
    try:
        return Station.objects.select_related("line").get(site=site_id, code=code)
    except Station.DoesNotExist:
        raise _unknown("station", code) from None


def _product_named(site_id: int, code: str) -> Product:
    found = Product.objects.filter(site=site_id, code=code).first()
    if found is None:
        raise _unknown("product", code)
    return found


def _unknown(name: str, code: str) -> UnknownReference:
    text = f"There is no {name} {code!r} at this site."
    hint = f"Register the {name} first (POST /api/v1/{name}s/bulk)."
    return UnknownReference(
        text, code=f"unknown_{name}", hint=hint, fields={name: [text]}
    )
