"""Which comparison would tell the members of a credible set apart, at what cost."""

from __future__ import annotations

import math

from analytics.core.candidates import Candidate
from analytics.core.results import Coded
from analytics.core.strength import Strength

DECISIVE = math.log(20.0)
"""Expected log likelihood ratio after which one member is twenty times likelier."""

ACTIONS = {
    "parameter": "set_back_parameter",
    "age": "do_maintenance",
    "shift": "swap_shift",
    "operator": "swap_operator",
    "tool": "swap_tool",
    "lot": "run_lot_elsewhere",
    "supplier": "run_supplier_elsewhere",
    "equipment": "run_elsewhere",
    "interaction": "run_lot_elsewhere",
}
"""What takes one member away and leaves the rest, the cheapest kind first."""


def comparison(members: list[tuple[Candidate, Strength]]) -> Coded | None:
    """Take the member that is cheapest to change away and keep all others as they are.

    `units`: how many to run so that a risk that stays, or goes, is decisive.
    """
    if len(members) < 2:
        return None
    order = list(ACTIONS)
    first, strength = min(members, key=lambda m: order.index(m[0].claim.kind))
    other = next(c for c, _ in members if c is not first)
    params = {
        "kind": first.claim.kind,
        "operation": first.claim.operation,
        "factor": first.claim.factor,
        "level": first.claim.level,
        "keep_kind": other.claim.kind,
        "keep_factor": other.claim.factor,
        "keep_level": other.claim.level,
        "units": units_needed(strength.risk, strength.other_rate),
    }
    return Coded(ACTIONS[first.claim.kind], params)


def units_needed(risk: float, base_rate: float) -> int:
    """Units whose counts decide between a rate and `risk` times it, on average.

    From the Kullback-Leibler divergence of two Poisson rates, the smaller of both
    directions.
    """
    risk = max(risk, 1.2)
    each = base_rate * min(
        risk * math.log(risk) - risk + 1.0, risk - 1.0 - math.log(risk)
    )
    return math.ceil(DECISIVE / max(each, 1e-6))
