"""How much a defect rate rose, and whether it has come down again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime

from traceability.attribution.models import Problem

# The old rate must make the last day this many times likelier than the raised one.
OVER = 20.0


@dataclass(frozen=True)
class Rates:
    """Shares 0..1 of defective units. `quiet_since` is set once the rise is over."""

    before: float
    since: float
    quiet_since: datetime | None


@dataclass(frozen=True)
class _Stretch:
    at: datetime
    n: int
    defective: int


def rates_of(problem: Problem) -> Rates | None:
    """The rates before and since the onset; None without both sides of it.

    Reads the daily columns that the analysis keeps in `Problem.overview`.
    """
    stretches = _stretches(problem.overview.get("daily") or {})
    if problem.onset is None:
        return None
    before = [stretch for stretch in stretches if stretch.at < problem.onset]
    since = [stretch for stretch in stretches if stretch.at >= problem.onset]
    if not before or not since:
        return None
    return Rates(_rate(before), _rate(since), _quiet_since(before, since))


def _stretches(daily: dict[str, Any]) -> list[_Stretch]:
    columns = (daily.get(name) or [] for name in ("at", "n", "defective"))
    rows = zip(*columns, strict=False)
    parsed = ((parse_datetime(str(at)), int(n), int(bad)) for at, n, bad in rows)
    return [_Stretch(at, n, bad) for at, n, bad in parsed if at is not None and n]


def _rate(stretches: list[_Stretch]) -> float:
    return sum(s.defective for s in stretches) / sum(s.n for s in stretches)


def _quiet_since(before: list[_Stretch], since: list[_Stretch]) -> datetime | None:
    """The start of the last day if that looks like before, by a Poisson likelihood."""
    day = timedelta(hours=settings.ALERT_MAX_AGE_HOURS)
    recent = [stretch for stretch in since if stretch.at >= since[-1].at - day]
    raised = [stretch for stretch in since if stretch not in recent]
    if not raised:
        return None
    high, low = _rate(raised), max(_rate(before), 0.5 / sum(s.n for s in before))
    n, found = sum(s.n for s in recent), sum(s.defective for s in recent)
    if high <= low:
        return None
    likelihood = n * (high - low) - found * math.log(high / low)
    return recent[0].at if likelihood > math.log(OVER) else None
