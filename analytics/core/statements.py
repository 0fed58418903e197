"""Claims as coded statements: kind, factor and level by the rules of the contract."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analytics.core.cells import Claim
from analytics.core.population import timestamp
from analytics.core.results import Coded

SIGNS = {"above": ">", "below": "<"}


@dataclass(frozen=True)
class Named:
    """How an answer names its factor, its level and itself."""

    factor: str | list[str]
    level: str | list[str]
    statement: Coded


def named(claim: Claim, digits: int, unit_of_measure: str) -> Named:
    """`digits`: decimals that the readings of a parameter carry."""
    if claim.kind == "parameter":
        return _parameter(claim, digits, unit_of_measure)
    if claim.kind == "age":
        return _age(claim)
    if claim.kind == "interaction":
        return _interaction(claim)
    return _level(claim)


def _parameter(claim: Claim, digits: int, unit_of_measure: str) -> Named:
    threshold = round(claim.cut, digits)
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


def _age(claim: Claim) -> Named:
    hours = round(claim.cut, 1 if claim.cut < 1000 else 0)
    params = {"operation": claim.operation, "since": claim.factor, "hours": hours}
    code = "age_above"
    if claim.level:
        code, params["equipment"] = "age_above_on_equipment", claim.level
    level = f"hours since {claim.factor} > {hours:g}"
    return Named(claim.level or claim.operation, level, Coded(code, params))


def _interaction(claim: Claim) -> Named:
    params = {
        "operation": claim.operation,
        "material": claim.factor,
        "lot": claim.level,
        "equipment": claim.other_level,
    }
    return Named(
        [claim.factor, claim.other_factor],
        [claim.level, claim.other_level],
        Coded("lot_on_equipment", params),
    )


def _level(claim: Claim) -> Named:
    params: dict[str, object] = {"operation": claim.operation, claim.kind: claim.level}
    if claim.kind in ("lot", "supplier"):
        params["material"] = claim.factor
    code = claim.kind
    if claim.shape == "onset" and math.isfinite(claim.cut):
        code, params["onset"] = f"{code}_from_onset", timestamp(claim.cut)
    return Named(claim.factor, claim.level, Coded(code, params))
