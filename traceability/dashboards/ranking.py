"""Causes as cards: words, numbers and the little scale that compares them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from traceability.attribution import credible, wording
from traceability.attribution.models import Cause, Problem
from traceability.dashboards.evidence import Exhibit, exhibit_of

TICKS = (1, 2, 5, 10, 20, 50, 100)
LOWEST = 0.7
FAINT = 0.05
"""Below this confidence a candidate is one among many."""
SHOWN = 4
"""Cards of one group before the rest is folded away."""


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


@dataclass(frozen=True)
class Group:
    """Causes that the data cannot tell apart, the best first; mostly one alone.

    `confidence`: that one of them is at work. `separate_by`: the comparison that
    would tell them apart, as a sentence.
    """

    cards: list[Card]
    confidence: float
    separate_by: str

    @property
    def likely(self) -> bool:
        return self.confidence >= credible.LIKELY

    @property
    def shown(self) -> list[Card]:
        return self.cards[:SHOWN]

    @property
    def rest(self) -> list[Card]:
        return self.cards[SHOWN:]


@dataclass(frozen=True)
class Listing:
    """The groups of one list; `rest` are faint ones, which the page folds away."""

    shown: list[Group]
    rest: list[Group]

    @classmethod
    def of(cls, groups: list[Group]) -> Listing:
        """The first one and those beside it that are more than faint."""
        sure = [n for n, group in enumerate(groups) if group.confidence >= FAINT]
        shown = max(sure, default=0) + 1
        return cls(groups[:shown], groups[shown:])

    def __bool__(self) -> bool:
        return bool(self.shown)


def ranked(problem: Problem, causes: Sequence[Cause]) -> list[Group]:
    """The causes of one list in order, credible sets together.

    Reads each cause's `evidence`.
    """
    scale = Scale.over(causes)
    return [_group(problem, found, scale) for found in credible.groups(causes)]


def _group(problem: Problem, causes: Sequence[Cause], scale: Scale) -> Group:
    return Group(
        cards=[_card(cause, scale) for cause in causes],
        confidence=credible.confidence_of(causes),
        separate_by=_separate_by(problem, causes),
    )


def _card(cause: Cause, scale: Scale) -> Card:
    return Card(
        cause=cause,
        heading=wording.heading(cause),
        sentence=wording.sentence(cause),
        kind=wording.kind_label(cause.kind),
        confidence_word=wording.confidence_word(cause.confidence),
        whisker=_whisker(cause, scale),
        scale=scale,
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


def _separate_by(problem: Problem, causes: Sequence[Cause]) -> str:
    if len(causes) < 2:
        return ""
    for found in problem.credible_sets:
        if found.get("id") == causes[0].credible_set and found.get("separate_by"):
            return wording.separation(found["separate_by"])
    return ""
