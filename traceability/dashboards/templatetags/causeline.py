"""What templates need to say things: words, numbers and drawings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from traceability.alerts.models import Alert
from traceability.alerts.wording import title as alert_title
from traceability.alerts.wording import way_name
from traceability.attribution import credible, wording
from traceability.attribution.models import Cause, Problem
from traceability.attribution.wording import moment as moment_text
from traceability.catalog.models import DefectClass
from traceability.dashboards import words
from traceability.inspection.models import Defect

register = template.Library()
NOTHING = "–"
DEFECT_COLOURS = 8
STAGE_COLOURS = 9


@dataclass(frozen=True)
class ClassGroup:
    defect_class: DefectClass
    count: int


register.filter("task_name", words.task_name)
register.filter("not_recorded", wording.not_recorded_text)
register.filter("unexplained", wording.unexplained)
register.filter("confidence_share", wording.confidence_share)
register.filter("leading", credible.leading)
register.filter("way", way_name)


@register.filter
def heading(cause: Cause) -> str:
    return wording.heading(cause)


@register.filter
def title(about: Problem | Alert) -> str:
    """A problem or an alert in one line."""
    if isinstance(about, Alert):
        return alert_title(about)
    return wording.problem_title(about)


@register.filter
def confidence(value: float) -> str:
    return wording.confidence_word(value)


@register.filter
def moment(at: datetime | None) -> str:
    return moment_text(at) if at else NOTHING


@register.filter
def ago(at: datetime | None) -> str:
    """Its age in one unit: "3 hours ago"."""
    if at is None:
        return NOTHING
    if (timezone.now() - at).total_seconds() < 60:
        return _("just now")
    return _("{age} ago").format(age=timesince(at, depth=1))


@register.filter
def percent(share: float | None, digits: int = 1) -> str:
    """A share 0..1 as percent."""
    return NOTHING if share is None else f"{_fixed(100 * share, digits)} %"


@register.filter
def number(value: float | None, digits: int = 0) -> str:
    """With thousands separated."""
    if value is None:
        return NOTHING
    return _fixed(value, digits)


def _fixed(value: float, digits: int) -> str:
    """Rounded, thousands separated: the same in both languages."""
    return f"{value:,.{digits}f}"


@register.filter
def ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{wording.ratio(value)}×"


@register.filter
def reading(value: float | None) -> str:
    """A measured value, four digits that count."""
    return NOTHING if value is None else f"{value:.4g}"


@register.filter
def signed(value: float, digits: int = 1) -> str:
    """With a plus or a real minus."""
    text = _fixed(abs(value), digits)
    return f"+{text}" if value >= 0 else f"−{text}"


@register.filter
def percent_number(share: float) -> str:
    """A share 0..1 as percent without the sign, one decimal."""
    return _fixed(100 * share, 1)


@register.filter
def css_percent(share: float | None) -> str:
    """A share 0..1 as the width of a drawing, the same in every language."""
    return f"{100 * min(max(share or 0.0, 0.0), 1.0):.1f}%"


@register.filter
def add_float(value: float, other: float) -> float:
    return value + other


@register.filter
def abs_below(value: float, limit: float) -> bool:
    return abs(value) < limit


@register.filter
def colour(key: int) -> int:
    """The same class always gets the same of the palette's colours."""
    return key % DEFECT_COLOURS


@register.filter
def stage_colour(place: int) -> int:
    return min(place, STAGE_COLOURS - 1)


@register.filter
def by_class(defects: Iterable[Defect]) -> list[ClassGroup]:
    """The classes among the defects with how many there are, the most first."""
    counts = Counter(defect.defect_class for defect in defects)
    return [ClassGroup(found, count) for found, count in counts.most_common()]


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing that says nothing to a screen reader: the text beside it does."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("img/icons.svg"),
        name,
    )


@register.inclusion_tag("parts/chart.html")
def chart(
    key: str, figure: dict[str, Any], label: str, height: str = "m"
) -> dict[str, Any]:
    """A figure; `label` is what a screen reader says of it."""
    return {"key": key, "figure": figure, "label": label, "height": height}
