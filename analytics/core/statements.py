"""Claims as coded statements: kind, factor and level by the rules of the contract."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from analytics.core.claims import Claim
from analytics.core.population import timestamp
from analytics.core.results import Coded

SIGNS = {"above": ">", "below": "<"}
UnitOf = Callable[[str, str], str]


@dataclass(frozen=True)
class Named:
    """How an answer names its factor, its level and itself."""

    factor: str | list[str]
    level: str | list[str]
    statement: Coded


def named(claim: Claim, unit_of: UnitOf) -> Named:
    """`unit_of`: the unit of measure of (operation, parameter)."""
    if claim.parts:
        return _interaction(claim, unit_of)
    if claim.kind == "parameter":
        return _parameter(claim, unit_of(claim.operation, claim.factor))
    if claim.kind == "age":
        return _age(claim)
    return _level(claim)


def _parameter(claim: Claim, unit_of_measure: str) -> Named:
    threshold = round(claim.cut, _digits(claim.cut))
    params = {
        "operation": claim.operation,
        "parameter": claim.factor,
        "threshold": threshold,
        "unit_of_measure": unit_of_measure,
    }
    code = f"parameter_{claim.shape}"
    if claim.level:
        code, params["equipment"] = f"{code}_on_equipment", claim.level
    sign = SIGNS[claim.shape]
    return Named(claim.factor, f"{sign} {threshold:g}", Coded(code, params))


def _digits(cut: float) -> int:
    """Decimals that show four significant digits of a threshold."""
    if not math.isfinite(cut) or cut == 0:
        return 0
    return max(0, 3 - math.floor(math.log10(abs(cut))))


def _age(claim: Claim) -> Named:
    hours = round(claim.cut, 1 if claim.cut < 1000 else 0)
    params = {"operation": claim.operation, "since": claim.factor, "hours": hours}
    code = "age_above"
    if claim.level:
        code, params["equipment"] = "age_above_on_equipment", claim.level
    level = f"hours since {claim.factor} > {hours:g}"
    return Named(claim.level or claim.operation, level, Coded(code, params))


def _interaction(claim: Claim, unit_of: UnitOf) -> Named:
    """Two claims that only do harm together."""
    first, second = (named(part, unit_of) for part in claim.parts)
    lot, machine = claim.parts
    if (lot.kind, machine.kind) == ("lot", "equipment"):
        params: dict[str, object] = {
            "operation": machine.operation,
            "material": lot.factor,
            "lot": lot.level,
            "equipment": machine.level,
        }
        statement = Coded("lot_on_equipment", params)
    else:
        parts = [first.statement.to_json(), second.statement.to_json()]
        statement = Coded("together", {"parts": parts})
    return Named(
        [str(first.factor), str(second.factor)],
        [str(first.level), str(second.level)],
        statement,
    )


def _level(claim: Claim) -> Named:
    params: dict[str, object] = {"operation": claim.operation, claim.kind: claim.level}
    if claim.kind in ("lot", "supplier"):
        params["material"] = claim.factor
    code = claim.kind
    if claim.shape == "onset" and math.isfinite(claim.cut):
        code, params["onset"] = f"{code}_from_onset", timestamp(claim.cut)
    return Named(claim.factor, claim.level, Coded(code, params))
