"""Which comparison would tell the members of a credible set apart, at what cost."""

from __future__ import annotations

import math

from analytics.core.candidates import Candidate
from analytics.core.claims import Claim
from analytics.core.results import Coded
from analytics.core.strength import Strength

DECISIVE = math.log(20.0)
"""Log likelihood ratio from which one member is twenty times likelier."""
POWER = 0.9
LEAST_RISK = 1.2
MANY = 300.0
MOST_UNITS = 10_000_000

ACTIONS = {
    "parameter": "set_back_parameter",
    "age": "do_maintenance",
    "shift": "swap_shift",
    "operator": "swap_operator",
    "tool": "swap_tool",
    "lot": "run_lot_elsewhere",
    "supplier": "run_supplier_elsewhere",
    "equipment": "run_elsewhere",
}
"""What takes one member away and leaves the rest, the cheapest kind first."""


def comparison(members: list[tuple[Candidate, Strength]]) -> Coded | None:
    """Take the member that is cheapest to change away and keep all others as they are.

    `units`: how many to run so that a risk that stays, or goes, is decisive.
    """
    if len(members) < 2:
        return None
    order = list(ACTIONS)
    first, strength = min(members, key=lambda m: order.index(_subject(m[0]).kind))
    other = next(c for c, _ in members if c is not first)
    changed, kept = _subject(first), _subject(other)
    params = {
        "kind": changed.kind,
        "operation": changed.operation,
        "factor": changed.factor,
        "level": changed.level,
        "keep_kind": kept.kind,
        "keep_factor": kept.factor,
        "keep_level": kept.level,
        "units": units_needed(_cautious(strength), strength.other_rate),
    }
    return Coded(ACTIONS[changed.kind], params)


def _subject(candidate: Candidate) -> Claim:
    """What is changed: of an interaction its first part (the lot, one reading)."""
    claim = candidate.claim
    return claim.parts[0] if claim.parts else claim


def _cautious(strength: Strength) -> float:
    """A risk that the true one is likely (five times of six) not below."""
    return math.sqrt(strength.risk * max(strength.risk_interval[0], 1.0))


def units_needed(risk: float, base_rate: float) -> int:
    """Units after which the counts decide between a rate and `risk` times it.

    The fewest (within 1 %) for which, whichever is true, the likelihood ratio is at
    least `DECISIVE` on its side with probability `POWER` (Wald 1947, "Sequential
    Analysis", for a test of fixed size); counts are Poisson.
    """
    risk, base_rate = max(risk, LEAST_RISK), max(base_rate, 1e-6)
    low, high = 1, 2
    while not _decides(high * base_rate, risk) and high < MOST_UNITS:
        low, high = high, 2 * high
    while high - low > max(low // 100, 1):
        middle = (low + high) // 2
        if _decides(middle * base_rate, risk):
            high = middle
        else:
            low = middle
    return high


def _decides(expected: float, risk: float) -> bool:
    """Would so many expected defects tell both rates apart, whichever is true?"""
    gain, cost = math.log(risk), expected * (risk - 1.0)
    enough = math.ceil((DECISIVE + cost) / gain)
    few = math.floor((cost - DECISIVE) / gain)
    if few < 0:
        return False
    raised = 1.0 - _poisson_up_to(enough - 1, expected * risk)
    return min(raised, _poisson_up_to(few, expected)) >= POWER


def _poisson_up_to(count: int, mean: float) -> float:
    """Probability of at most so many; normal (with continuity) for large means."""
    if mean > MANY:
        return 0.5 * math.erfc((mean - count - 0.5) / math.sqrt(2.0 * mean))
    term = total = math.exp(-mean)
    for k in range(1, count + 1):
        term *= mean / k
        total += term
    return min(total, 1.0)
