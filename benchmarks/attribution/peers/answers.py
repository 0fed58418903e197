"""What a peer answers, and the rank that the truth has in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.attribution.peers.table import Json

NOT_RANKED = math.inf


class Planted(Protocol):
    """The part of the simulator's `Planted` that scoring needs."""

    kind: str
    factor: Any
    level: Any

    def matches(self, cause: Json) -> bool: ...


@dataclass(frozen=True)
class Answer:
    """One ranked answer, right when any of its claims is."""

    score: float
    claims: tuple[Json, ...]


def rank_of(planted: Planted, answers: Sequence[Answer]) -> float:
    """The rank of the truth, 1 the first; ties count as the worst of their ranks.

    Crews and shifts of several operations are one answer: the same people. A pair
    counts as named when both of its parts are: both in the first two is 1.
    """
    answers = _distinct(answers)
    named = _rank(answers, (a for a in answers if any(map(planted.matches, a.claims))))
    if planted.kind != "interaction":
        return named
    parts = [
        _rank(answers, (a for a in answers if _says(a, factor, level)))
        for factor, level in zip(planted.factor, planted.level, strict=True)
    ]
    return min(named, max(parts) - 1)


def _rank(answers: Sequence[Answer], right: Iterable[Answer]) -> float:
    best = max((answer.score for answer in right), default=-math.inf)
    if best == -math.inf:
        return NOT_RANKED
    return float(sum(answer.score >= best for answer in answers))


def _says(answer: Answer, factor: str, level: str) -> bool:
    return any(c["factor"] == factor and c["level"] == level for c in answer.claims)


def _distinct(answers: Sequence[Answer]) -> list[Answer]:
    best: dict[str, Answer] = {}
    for answer in answers:
        key = repr([_identity(claim) for claim in answer.claims])
        if key not in best or best[key].score < answer.score:
            best[key] = answer
    return list(best.values())


def _identity(claim: Json) -> tuple[Any, ...]:
    if claim["kind"] in ("operator", "shift"):
        return claim["kind"], claim["level"]
    return tuple(claim[k] for k in ("kind", "operation", "factor", "level"))
