"""The front page: how good, how many, what is wrong, what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from time import monotonic
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from traceability.attribution.models import Problem
from traceability.attribution.selectors import current_problems
from traceability.dashboards import figures
from traceability.dashboards.access import PageRequest, page
from traceability.dashboards.filters import PeriodForm
from traceability.dashboards.words import class_name
from traceability.inspection import selectors
from traceability.inspection.selectors import ClassCount, Day, Place, Total

LEADING_PROBLEMS = 6
MILLION = 1_000_000
LEAST_SHARE = 0.2
SLOW_SECONDS = 0.3
KEPT_SECONDS = 60


@dataclass(frozen=True)
class Figures:
    """The four numbers; None where nothing was inspected."""

    units: int
    first_pass_yield: float | None
    defects_per_million: float | None

    @classmethod
    def of(cls, total: Total) -> Figures:
        if not total.units:
            return cls(0, None, None)
        return cls(
            total.units,
            (total.units - total.defective) / total.units,
            MILLION * total.defects / total.units,
        )


@dataclass(frozen=True)
class Summary:
    """What the figures and charts of one filter are made from."""

    days: list[Day]
    counts: list[ClassCount]
    now: Figures
    before: Figures


@page
def overview(request: PageRequest) -> HttpResponse:
    form = PeriodForm(request)
    place = _place(request, form)
    summary = _kept_summary(place)
    problems = list(_problems(request, form)[:LEADING_PROBLEMS])
    bars = _bars(summary.counts, place, problems)
    context = {
        "form": form,
        "days_chosen": form.value("days"),
        "days": summary.days,
        "now": summary.now,
        "change": _change(summary.now, summary.before),
        "problems": problems,
        "bars": bars,
        "trend_figure": figures.yield_trend(summary.days),
        "pareto_figure": figures.pareto(bars),
        "inspections_url": _inspections_url(place),
    }
    return render(request, "overview/page.html", context)


def _kept_summary(place: Place) -> Summary:
    """The summary; one that took long is kept for a minute, a quick one never is."""
    sites = ",".join(str(site.pk) for site in place.sites)
    key = f"overview:{sites}:{place.since}:{place.line_id}:{place.product_id}"
    key = key.replace(" ", "T")
    kept: Summary | None = cache.get(key)
    if kept is not None:
        return kept
    started = monotonic()
    summary = _summary(place)
    if monotonic() - started > SLOW_SECONDS:
        cache.set(key, summary, KEPT_SECONDS)
    return summary


def _summary(place: Place) -> Summary:
    """Four passes over the inspections of the period and the one before."""
    days = selectors.daily_yield(place, timezone.get_current_timezone())
    counts = selectors.pareto(place)
    now = Total(
        units=sum(day.units for day in days),
        defective=sum(day.defective for day in days),
        defects=sum(count.defects for count in counts),
    )
    before = selectors.total(_period_before(place))
    return Summary(days, counts, Figures.of(now), Figures.of(before))


def _place(request: PageRequest, form: PeriodForm) -> Place:
    """From midnight so many days ago until now, today included."""
    today = timezone.localdate() - timedelta(days=form.value("days") - 1)
    line, product = form.value("line"), form.value("product")
    return Place(
        sites=tuple(request.sites),
        since=timezone.make_aware(datetime.combine(today, time.min)),
        line_id=line and line.pk,
        product_id=product and product.pk,
    )


def _period_before(place: Place) -> Place:
    """The stretch of the same length just before, to compare with."""
    assert place.since is not None  # noqa: S101
    length = timezone.now() - place.since
    return replace(place, since=place.since - length, until=place.since)


def _change(now: Figures, before: Figures) -> dict[str, float | None]:
    """Differences: yield in percentage points, the rest in percent.

    A period with hardly any units is nothing to compare with.
    """
    if before.units < LEAST_SHARE * now.units:
        before = Figures(0, None, None)
    return {
        "first_pass_yield": _minus(now.first_pass_yield, before.first_pass_yield),
        "defects_per_million": _growth(
            now.defects_per_million, before.defects_per_million
        ),
        "units": _growth(now.units, before.units),
    }


def _minus(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else 100 * (now - before)


def _growth(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else 100 * (now - before) / before


def _problems(request: PageRequest, form: PeriodForm) -> QuerySet[Problem]:
    found = current_problems(request.sites)
    line = form.value("line")
    return found.filter(run__line=line) if line else found


def _bars(
    counts: Sequence[ClassCount], place: Place, problems: Sequence[Problem]
) -> list[figures.Bar]:
    """A bar leads to the class's problem when there is just one, else to its photos."""
    all_defects = sum(count.defects for count in counts)
    bars: list[figures.Bar] = []
    seen = 0
    for count in counts:
        seen += count.defects
        bars.append(
            figures.Bar(
                label=class_name(count),
                defects=count.defects,
                units=count.units,
                share=count.defects / all_defects,
                cumulative=seen / all_defects,
                url=_bar_url(count, place, problems),
            )
        )
    return bars


def _bar_url(count: ClassCount, place: Place, problems: Sequence[Problem]) -> str:
    about = [p for p in problems if p.defect_class.code == count.code]
    if len(about) == 1:
        return reverse("problem", args=[about[0].pk])
    return _inspections_url(place, defect=count.code)


def _inspections_url(place: Place, **more: str) -> str:
    since = place.since and timezone.localtime(place.since).date().isoformat()
    query = {
        "line": place.line_id,
        "product": place.product_id,
        "since": since,
        **more,
    }
    kept = sorted((name, value) for name, value in query.items() if value)
    return f"{reverse('inspections')}?{urlencode(kept)}"
