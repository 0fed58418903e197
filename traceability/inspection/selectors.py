"""Reading inspections: lists, neighbours and the figures of the overview.

All take the sites that the reader may see. "Defective" is the detector's word,
corrected by the newest verdict of a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, NullIf, TruncDate

from traceability.catalog.models import Site
from traceability.inspection.models import (
    Defect,
    Image,
    Inspection,
    InspectionRole,
    InspectionState,
    Verdict,
)

DEFECTIVE = Q(outcome__in=["defective", Verdict.Value.MISSED])
GOOD = Q(outcome__in=["good", Verdict.Value.FALSE_ALARM])


@dataclass(frozen=True)
class Place:
    """Where and when to look; None means everywhere. `until` is exclusive."""

    sites: tuple[Site, ...]
    since: datetime | None = None
    until: datetime | None = None
    line_id: int | None = None
    product_id: int | None = None


@dataclass(frozen=True)
class Day:
    """Units looked at for the first time on a day, and how many had a defect."""

    day: date
    units: int
    defective: int


@dataclass(frozen=True)
class Total:
    """The same over a whole stretch, with the defects found on those units."""

    units: int
    defective: int
    defects: int


@dataclass(frozen=True)
class ClassCount:
    code: str
    name_en: str
    name_zh: str
    defects: int
    units: int


def visible(sites: Iterable[Site]) -> QuerySet[Inspection]:
    """The inspections that count (`live`), each with its newest `verdict` or None.

    `outcome` is what that makes of it, for `DEFECTIVE` and `GOOD`; None before the end.
    """
    newest = Verdict.objects.filter(inspection=OuterRef("pk")).order_by("-created_at")
    verdict = Subquery(newest.values("value")[:1])
    detector = Case(
        When(defective=True, then=Value("defective")),
        When(defective=False, then=Value("good")),
        output_field=CharField(),
    )
    return Inspection.objects.filter(
        role=InspectionRole.LIVE, image__site__in=list(sites)
    ).annotate(
        verdict=verdict,
        outcome=Coalesce(NullIf(verdict, Value(Verdict.Value.CONFIRMED)), detector),
    )


def with_context(found: QuerySet[Inspection]) -> QuerySet[Inspection]:
    """With unit, product, station and line: for a table, without a query per row."""
    return found.select_related(
        "image__unit__product", "image__station__line", "model_version"
    )


def with_class(found: QuerySet[Inspection], code: str) -> QuerySet[Inspection]:
    """Only inspections that show a defect of this class.

    A list, not EXISTS: SQLite would look through the whole class for every inspection.
    """
    shown = Defect.objects.filter(defect_class__code=code)
    return found.filter(pk__in=shown.values("inspection"))


def first_looks(place: Place) -> QuerySet[Inspection]:
    """Finished inspections of the first photo of each unit at each station."""
    found = visible(place.sites).filter(state=InspectionState.DONE)
    if place.since is not None:
        found = found.filter(image__captured_at__gte=place.since)
    if place.until is not None:
        found = found.filter(image__captured_at__lt=place.until)
    if place.line_id is not None:
        found = found.filter(image__station__line=place.line_id)
    if place.product_id is not None:
        found = found.filter(image__unit__product=place.product_id)
    # "+ 0" hides the station from SQLite's planner, which would else walk through all
    # earlier photos of the station instead of the few of the unit.
    earlier = Image.objects.annotate(place=F("station_id") + 0).filter(
        unit=OuterRef("image__unit"),
        place=OuterRef("image__station_id"),
        captured_at__lt=OuterRef("image__captured_at"),
    )
    return found.filter(~Exists(earlier))


def daily_yield(place: Place, zone: tzinfo) -> list[Day]:
    """Units and defective units by day of the reader's clock, oldest first.

    Like `total` and `pareto` it goes through every inspection of the place once.
    """
    rows = (
        first_looks(place)
        .annotate(day=TruncDate("image__captured_at", tzinfo=zone))
        .values("day")
        .annotate(
            units=Count("image__unit", distinct=True),
            bad=Count("image__unit", distinct=True, filter=DEFECTIVE),
        )
        .order_by("day")
    )
    return [Day(row["day"], row["units"], row["bad"]) for row in rows]


def total(place: Place) -> Total:
    """Units, defective units and defects; two queries."""
    found = first_looks(place)
    counts = found.aggregate(
        units=Count("image__unit", distinct=True),
        bad=Count("image__unit", distinct=True, filter=DEFECTIVE),
    )
    defects = _defects(found).aggregate(defects=Count("pk"))
    return Total(counts["units"], counts["bad"], defects["defects"])


def pareto(place: Place) -> list[ClassCount]:
    """Defects by class, most frequent first."""
    rows = (
        _defects(first_looks(place))
        .values(
            code=F("defect_class__code"),
            en=F("defect_class__name_en"),
            zh=F("defect_class__name_zh"),
        )
        .annotate(
            defects=Count("pk"), units=Count("inspection__image__unit", distinct=True)
        )
        .order_by("-defects", "code")
    )
    return [
        ClassCount(row["code"], row["en"], row["zh"], row["defects"], row["units"])
        for row in rows
    ]


def _defects(found: QuerySet[Inspection]) -> QuerySet[Defect]:
    return Defect.objects.filter(inspection__in=found.filter(DEFECTIVE).values("pk"))


def newest_image(sites: Iterable[Site]) -> Image | None:
    """The photo taken last: how fresh the data is. One indexed query per site."""
    found = (
        Image.objects.filter(site=site).order_by("-captured_at").first()
        for site in sites
    )
    return max(filter(None, found), key=lambda image: image.captured_at, default=None)
