"""Causes that the data cannot tell apart stand for one effect: a credible set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from traceability.attribution.models import Cause, Problem

LIKELY = 0.5
"""From this confidence on a cause is more likely than not."""
POSSIBLE = 0.2
"""Below this confidence a candidate is not worth naming, whatever its set is."""


def groups(causes: Iterable[Cause]) -> list[list[Cause]]:
    """The causes of one list by credible set, in the order of their first ones."""
    found: dict[tuple[bool, int], list[Cause]] = {}
    for cause in causes:
        alone = cause.credible_set is None
        key = (alone, cause.rank if cause.credible_set is None else cause.credible_set)
        found.setdefault(key, []).append(cause)
    return list(found.values())


def confidence_of(group: Sequence[Cause]) -> float:
    """That one of a group is at work: they share a single effect."""
    return min(1.0, sum(cause.confidence for cause in group))


@dataclass(frozen=True)
class Leading:
    """The first cause of a problem, with how many the data cannot tell it from."""

    cause: Cause
    others: int
    confidence: float


def leading(problem: Problem) -> Leading | None:
    """What the problem is most likely about; None where nothing recorded explains it.

    What is always risky explains no rise, however sure it is. Reads `problem.causes`
    in their order.
    """
    causes = [cause for cause in problem.causes.all() if not cause.chronic]
    if problem.question == Problem.Question.CHRONIC:
        causes = causes or list(problem.causes.all())
    if not causes:
        return None
    first = groups(causes)[0]
    confidence = confidence_of(first)
    if confidence < LIKELY or first[0].confidence < POSSIBLE:
        return None
    return Leading(first[0], len(first) - 1, confidence)
