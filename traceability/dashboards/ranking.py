"""Causes as cards: words, numbers and the little scale that compares them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from traceability.attribution import wording
from traceability.attribution.models import Cause, Problem
from traceability.dashboards.evidence import Exhibit, exhibit_of

TICKS = (1, 2, 5, 10, 20, 50, 100)
LOWEST = 0.7


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis of relative risks; places are percent of its width."""

    highest: float

    @classmethod
    def over(cls, causes: Sequence[Cause]) -> Scale:
        highs = [c.relative_risk_high or c.relative_risk or 1.0 for c in causes]
        return cls(max(4.0, 1.2 * max(highs, default=1.0)))

    def place(self, risk: float) -> float:
        share = math.log(max(risk, LOWEST) / LOWEST) / math.log(self.highest / LOWEST)
        return round(100 * min(share, 1.0), 2)

    @property
    def ticks(self) -> list[tuple[int, float]]:
        return [(tick, self.place(tick)) for tick in TICKS if tick < self.highest]


@dataclass(frozen=True)
class Whisker:
    """A relative risk with its interval, placed on a scale."""

    at: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return round(max(self.high - self.low, 0.5), 2)


@dataclass(frozen=True)
class Card:
    """One cause as the page shows it."""

    cause: Cause
    heading: str
    sentence: str
    kind: str
    confidence_word: str
    whisker: Whisker | None
    scale: Scale
    twins: list[str]
    separate_by: str
    exhibit: Exhibit | None

    @property
    def exposed_share(self) -> float:
        return self._share(self.cause.exposed_rate)

    @property
    def other_share(self) -> float:
        return self._share(self.cause.other_rate)

    def _share(self, rate: float | None) -> float:
        """Of the higher of both rates, for two bars that compare them."""
        highest = max(self.cause.exposed_rate or 0.0, self.cause.other_rate or 0.0)
        return (rate or 0.0) / highest if highest else 0.0


def ranked(problem: Problem, causes: Sequence[Cause]) -> list[Card]:
    """The causes of one list in order. Reads each cause's `evidence`."""
    scale = Scale.over(causes)
    return [_card(problem, cause, causes, scale) for cause in causes]


def _card(
    problem: Problem, cause: Cause, causes: Sequence[Cause], scale: Scale
) -> Card:
    twins = [
        other
        for other in causes
        if cause.credible_set is not None
        and other.credible_set == cause.credible_set
        and other.rank != cause.rank
    ]
    return Card(
        cause=cause,
        heading=wording.heading(cause),
        sentence=wording.sentence(cause),
        kind=wording.kind_label(cause.kind),
        confidence_word=wording.confidence_word(cause.confidence),
        whisker=_whisker(cause, scale),
        scale=scale,
        twins=[wording.heading(other) for other in twins],
        separate_by=_separate_by(problem, cause) if twins else "",
        exhibit=exhibit_of(cause),
    )


def _whisker(cause: Cause, scale: Scale) -> Whisker | None:
    if cause.relative_risk is None:
        return None
    low = cause.relative_risk_low or cause.relative_risk
    high = cause.relative_risk_high or cause.relative_risk
    return Whisker(
        scale.place(cause.relative_risk), scale.place(low), scale.place(high)
    )


def _separate_by(problem: Problem, cause: Cause) -> str:
    for group in problem.credible_sets:
        if group.get("id") == cause.credible_set and group.get("separate_by"):
            return wording.separation(group["separate_by"])
    return ""
