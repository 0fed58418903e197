"""What a peer answers, and the rank that the truth has in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.attribution.peers.table import Json
from benchmarks.attribution.score import names_truth
from benchmarks.attribution.simulator import Planted, Truth


@dataclass(frozen=True)
class Answer:
    """One ranked answer, right when any of its claims is."""

    score: float
    claims: tuple[Json, ...]


def ranks_of(truth: Truth, answers: Sequence[Answer]) -> list[int | None]:
    """The rank of every plant, as `score` ranks the product's own answers.

    Rank 1 is first, ties count as the worst of their ranks, an alias of the plant is
    right as well, None is not named. Crews and shifts of several operations are one
    answer: the same people.
    """
    answers = _distinct(answers)
    return [_rank(truth, plant, answers) for plant in truth.planted]


def _rank(truth: Truth, plant: Planted, answers: Sequence[Answer]) -> int | None:
    """A pair also counts as named when both of its parts are: the less sure counts."""
    also = [decoy for decoy in truth.decoys if decoy.type == "alias"]
    scores = [_best(answers, one.matches) for one in (plant, *also)]
    parts = _parts(plant)
    if parts:
        scores.append(min(_best(answers, part) for part in parts))
    sure = max(scores)
    if sure == -math.inf:
        return None
    right = (lambda claim: names_truth(truth, claim), *parts)
    above = (answer for answer in answers if answer.score >= sure)
    return 1 + sum(not any(map(answer_is(answer), right)) for answer in above)


Judge = Callable[[Json], bool]


def answer_is(answer: Answer) -> Callable[[Judge], bool]:
    return lambda judge: any(map(judge, answer.claims))


def _parts(plant: Planted) -> tuple[Judge, ...]:
    if plant.kind != "interaction":
        return ()
    return tuple(
        _says(factor, level)
        for factor, level in zip(plant.factor, plant.level, strict=True)
    )


def _says(factor: str, level: str) -> Judge:
    return lambda claim: claim["factor"] == factor and claim["level"] == level


def _best(answers: Sequence[Answer], judge: Judge) -> float:
    own = (answer.score for answer in answers if answer_is(answer)(judge))
    return max(own, default=-math.inf)


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
