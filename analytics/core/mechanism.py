"""What comes first: a cause, the reading that says why, and its consequences.

Counting cannot tell a cause from what it brings about. Three things can: operations
have an order; a reading of the same machine that moved with it says *why* the machine
went bad; and a reading downstream that behaves as before once the suspected cause is
known is a consequence (its shift is explained away; compare the front-door and
mediation arguments of Pearl 2009, "Causality", chapter 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from analytics.core.arrays import Bools, Floats
from analytics.core.cells import CellSpace, Family
from analytics.core.claims import Claim
from analytics.core.finemap import Effect, Fit, Task

UPSTREAM_AT_SAME = frozenset({"lot", "supplier", "operator", "shift", "age"})
"""Kinds that come before the readings of the operation they belong to."""
EXPLAINED = 0.75
"""Share of the units beyond a threshold that a cause must account for."""
LIFT = 4.0
"""Times that a reading must exceed its threshold more often with the cause."""
CLEAR = 3.0
"""Log Bayes factor that the cause itself must have for the defects."""
MOVED_WITH, COINCIDENCE = 0.3, 30.0
"""Overlap (Jaccard index) from which a reading moved with its machine, and the odds by
which it is then the better answer."""
SAME_TIME, KNOWN_BY_NAME = 0.75, 0.9
"""The same for a reading that moved when something unknown began."""
LEAST_WEIGHT = 1e-3


@dataclass(frozen=True)
class Overlap:
    """How a set of units lies in each hypothesis: counts, (hypotheses,)."""

    inside: Floats
    size: Floats
    whole: float
    total: float

    @classmethod
    def of(cls, task: Task, flags: Bools) -> Overlap:
        """`flags`: a set of the units that were inspected."""
        ones = (task.baseline > 0).astype(np.float64)
        none = np.zeros_like(task.strata)
        inside = task.space.sums(flags * ones, none, 1)[:, 0]
        size = task.space.sums(ones, none, 1)[:, 0]
        return cls(inside, size, float((flags * ones).sum()), float(ones.sum()))

    def likelihood_ratio(self) -> Floats:
        """Of a share inside that differs from the share outside, where it is higher."""
        outside_n = self.total - self.size
        outside = self.whole - self.inside
        ratio = _fit(self.inside, self.size) + _fit(outside, outside_n)
        ratio = ratio - _fit(np.array([self.whole]), np.array([self.total]))
        higher = self.inside * outside_n > outside * self.size
        return np.where(higher, ratio, 0.0)

    def explained(self) -> Floats:
        """Share of the set that would not be in it without the hypothesis."""
        outside_n = np.maximum(self.total - self.size, 1.0)
        usual = (self.whole - self.inside) / outside_n
        share: Floats = (self.inside - usual * self.size) / max(self.whole, 1.0)
        return share

    def lift(self) -> Floats:
        """Share of the set inside over that outside."""
        outside_n = np.maximum(self.total - self.size, 1.0)
        usual = (self.whole - self.inside + 0.5) / outside_n
        lift: Floats = self.inside / np.maximum(self.size, 1.0) / usual
        return lift

    def jaccard(self) -> Floats:
        union = self.size + self.whole - self.inside
        share: Floats = self.inside / np.maximum(union, 1.0)
        return share


def put_in_order(task: Task, found: Fit, order: Mapping[str, int]) -> Fit:
    """The fit with causes before their consequences, and reasons before machines.

    `order`: place of each operation on the way through the line.
    """
    effects = [_ordered(task, effect, order) for effect in found.effects]
    return replace(found, effects=tuple(effects))


def _ordered(task: Task, effect: Effect, order: Mapping[str, int]) -> Effect:
    if effect.none > 0.5 or not task.space.size:
        return effect
    leader, claim = _leader(task.space, effect)
    if claim.kind == "hidden":
        effect = _with_names(task, effect, leader)
    elif claim.kind in ("equipment", "tool"):
        effect = _with_reasons(task, effect, leader, claim)
    leader, claim = _leader(task.space, effect)
    if claim.kind == "parameter":
        return _with_root(task, effect, leader, claim, order)
    return effect


def _leader(space: CellSpace, effect: Effect) -> tuple[int, Claim]:
    """The likeliest claim of the likeliest answer."""
    held: dict[tuple[str, ...], float] = {}
    likely = np.flatnonzero(effect.weights > LEAST_WEIGHT * effect.weights.max())
    claims = {int(h): space.claim(int(h)) for h in likely}
    for hypothesis, claim in claims.items():
        weight = float(effect.weights[hypothesis])
        held[claim.group] = held.get(claim.group, 0.0) + weight
    best = max(sorted(held), key=lambda group: held[group])
    own = [h for h, claim in claims.items() if claim.group == best]
    leader = max(own, key=lambda h: (effect.weights[h], -h))
    return leader, claims[leader]


def _with_reasons(task: Task, effect: Effect, leader: int, claim: Claim) -> Effect:
    """Prefer readings that moved when their machine went bad: they say why it did.

    That one moved just then by chance is unlikely.
    """
    overlap = Overlap.of(task, _flags(task, leader)).jaccard()
    beside = _readings(task.space, claim.operation) & (overlap > MOVED_WITH)
    weights = np.where(beside, COINCIDENCE, 1.0) * effect.weights
    return replace(effect, weights=weights * (effect.weights.sum() / weights.sum()))


def _with_names(task: Task, effect: Effect, leader: int) -> Effect:
    """A name for what nobody recorded: a reading that moved at that very time.

    Both are the same units but for a few, and time can be cut where it fits best, so
    their evidence says little; that a reading moved just then does.
    """
    overlap = Overlap.of(task, _flags(task, leader)).jaccard()
    alike = np.flatnonzero(_readings(task.space, "") & (overlap > SAME_TIME))
    if not alike.size:
        return effect
    score = effect.log_factors[alike] + task.space.log_prior[alike]
    name = int(alike[np.argmax(score)])
    return _exchanged(task.space, effect, leader, name, KNOWN_BY_NAME)


def _with_root(
    task: Task, effect: Effect, leader: int, claim: Claim, order: Mapping[str, int]
) -> Effect:
    """Put what explains the reading's shift before the reading."""
    overlap = Overlap.of(task, _flags(task, leader))
    ratio = overlap.likelihood_ratio()
    ratio[_not_rivals(task.space, claim, order)] = -np.inf
    root = int(np.argmax(ratio))
    if not _is_upstream(task.space.place(root)[0], claim, order):
        return effect
    good = overlap.explained()[root] > EXPLAINED and overlap.lift()[root] > LIFT
    if not good or effect.log_factors[root] < CLEAR:
        return effect
    return _exchanged(task.space, effect, leader, root)


def _exchanged(
    space: CellSpace, effect: Effect, leader: int, other: int, share: float = 1.0
) -> Effect:
    """Another takes a share of the weight of all claims of the leading answer.

    These keep the rest and get what the other had.
    """
    own = space.claim(leader).group
    likely = np.flatnonzero(effect.weights > LEAST_WEIGHT * effect.weights.max())
    same = [int(h) for h in likely if space.claim(int(h)).group == own]
    weights = effect.weights.copy()
    held, before = weights[same].sum(), weights[other]
    weights[same] *= ((1.0 - share) * held + before) / held
    weights[other] = share * held
    return replace(effect, weights=weights)


def _flags(task: Task, hypothesis: int) -> Bools:
    flags = np.zeros(task.observed.size, dtype=bool)
    flags[task.space.members(hypothesis)] = True
    return flags


def _readings(space: CellSpace, operation: str) -> Bools:
    """Marks thresholds of recorded readings, of one operation or ("") of all."""
    marks = np.zeros(space.size, dtype=bool)
    for family, begin in zip(space.families, space.offsets, strict=False):
        claim = family.claims[0]
        here = operation in ("", claim.operation)
        if claim.kind == "parameter" and here and not family.derived:
            marks[int(begin) : int(begin) + family.size] = True
    return marks


def _is_upstream(family: Family, reading: Claim, order: Mapping[str, int]) -> bool:
    """Could a hypothesis of the family have moved the reading?"""
    claim = family.claims[0]
    if claim.kind == "hidden" or claim.parts or family.derived:
        return False
    place, at = order.get(claim.operation, 0), order.get(reading.operation, 0)
    return place < at or (place == at and claim.kind in UPSTREAM_AT_SAME)


def _not_rivals(space: CellSpace, reading: Claim, order: Mapping[str, int]) -> Bools:
    """Hypotheses that cannot explain the reading: later ones, readings beside it."""
    later = np.zeros(space.size, dtype=bool)
    for family, begin in zip(space.families, space.offsets, strict=False):
        claim = family.claims[0]
        place, at = order.get(claim.operation, 0), order.get(reading.operation, 0)
        beside = claim.kind == "parameter" and place == at
        if claim.kind != "hidden" and (place > at or beside or family.derived):
            later[int(begin) : int(begin) + family.size] = True
    return later


def _fit(found: Floats, n: Floats) -> Floats:
    share = found / np.maximum(n, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        fit = found * np.log(share) + (n - found) * np.log1p(-share)
    return np.nan_to_num(fit)
