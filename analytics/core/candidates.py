"""From hypotheses to answers: claims of one factor and level are one candidate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analytics.core.arrays import Floats, Ints
from analytics.core.cells import CellSpace
from analytics.core.claims import Claim
from analytics.core.finemap import Fit

LEAST_WEIGHT = 1e-5
LEAST_CONFIDENCE = 0.002
MOST_CANDIDATES = 12
MOST_HYPOTHESES = 400
COVERAGE = 0.95
OFFSET, SLOPE = -0.4, 0.8


@dataclass(frozen=True)
class Candidate:
    """One possible answer.

    `hypotheses`: its claims, the likeliest first, with their `weights`. `by_effect`:
    its share of each effect. `confidence`: that it is one of the effects.
    """

    hypotheses: tuple[int, ...]
    weights: tuple[float, ...]
    claim: Claim
    by_effect: tuple[float, ...]
    confidence: float

    @property
    def best(self) -> int:
        return self.hypotheses[0]


@dataclass(frozen=True)
class Group:
    """A credible set: places in the list of candidates, and what they hold."""

    effect: int
    coverage: float
    members: tuple[int, ...]


def candidates_of(fit: Fit, space: CellSpace) -> list[Candidate]:
    """All answers worth a word, the surest first; ties in order of their names."""
    inclusion = fit.inclusion()
    by_group: dict[tuple[str, ...], list[int]] = {}
    likely = np.argsort(-inclusion, kind="stable")[:MOST_HYPOTHESES]
    for hypothesis in likely[inclusion[likely] > LEAST_WEIGHT]:
        claim = space.claim(int(hypothesis))
        by_group.setdefault(claim.group, []).append(int(hypothesis))
    found = [_candidate(fit, space, members) for members in by_group.values()]
    return sorted(found, key=lambda c: (-round(c.confidence, 9), c.claim.group))


def calibrated(probability: float) -> float:
    """The share of such statements that were right on lines with a known cause.

    Platt (1999): the log odds stretched as fitted on the calibration family of
    `benchmarks.attribution`, and moved down until lines without any cause are silent.
    """
    inside = min(max(probability, 1e-12), 1.0 - 1e-12)
    odds = OFFSET + SLOPE * math.log(inside / (1.0 - inside))
    return 1.0 / (1.0 + math.exp(-odds))


def hidden_confidence(candidates: list[Candidate]) -> float:
    """How sure it is that something not recorded is at work."""
    return max(
        (c.confidence for c in candidates if c.claim.kind == "hidden"), default=0.0
    )


def recorded(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates to tell, by confidence."""
    known = [c for c in candidates if c.claim.kind != "hidden"]
    return [c for c in known if c.confidence >= LEAST_CONFIDENCE][:MOST_CANDIDATES]


def credible_groups(
    fit: Fit, candidates: list[Candidate], told: list[Candidate]
) -> list[Group]:
    """For every effect likelier than not: the fewest candidates that hold 95 %.

    What is not recorded takes its place among them and is not told; there is no set
    where it holds most. Members are places in `told`, the likeliest first.
    """
    groups = []
    place = {id(candidate): number for number, candidate in enumerate(told)}
    for number, effect in enumerate(fit.effects):
        if effect.none > 0.5:
            continue
        ordered = sorted(candidates, key=lambda c: -c.by_effect[number])
        shares = np.array([candidate.by_effect[number] for candidate in ordered])
        shares = shares / max(float(effect.weights.sum()), 1e-12)
        size = int(np.searchsorted(np.cumsum(shares), COVERAGE)) + 1
        members = [place[id(c)] for c in ordered[:size] if id(c) in place]
        held = sum(told[i].by_effect[number] for i in members)
        if held > 0.5:
            groups.append(Group(number, min(held, 1.0), tuple(members)))
    return groups


def _candidate(fit: Fit, space: CellSpace, members: list[int]) -> Candidate:
    index: Ints = np.array(members)
    shares: Floats = np.array([effect.weights[index].sum() for effect in fit.effects])
    weights = np.max([effect.weights[index] for effect in fit.effects], axis=0)
    variant = _likeliest_variant(space, index, weights)
    order = np.lexsort((index, -weights, ~variant))
    ordered = tuple(int(i) for i in index[order])
    return Candidate(
        hypotheses=ordered,
        weights=tuple(float(weight) for weight in weights[order]),
        claim=space.claim(ordered[0]),
        by_effect=tuple(float(share) for share in shares),
        confidence=calibrated(float(1.0 - np.prod(1.0 - np.minimum(shares, 1.0)))),
    )


def _likeliest_variant(space: CellSpace, index: Ints, weights: Floats) -> Ints:
    """Marks the claims of the operation, machine and shape that hold the most."""
    claims = [space.claim(int(i)) for i in index]
    variants = [(claim.operation, claim.level, claim.shape) for claim in claims]
    held: dict[tuple[str, str, str], float] = {}
    for variant, weight in zip(variants, weights, strict=True):
        held[variant] = held.get(variant, 0.0) + float(weight)
    best = max(sorted(held), key=lambda variant: held[variant])
    return np.array([variant == best for variant in variants])
