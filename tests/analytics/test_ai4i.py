"""The check against AI4I 2020 reads answers the way the contract writes them."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.attribution.ai4i import (
    AIR,
    LAG,
    POWER,
    PROCESS,
    SPEED,
    TORQUE,
    Cut,
    bundle_of,
    checks,
    cuts,
)

Json = dict


def cause(factor: str | list[str], level: str | list[str], **more: object) -> Json:
    statement = {"code": "parameter_below", "params": more.pop("params", {})}
    told = {"kind": "parameter", "factor": factor, "level": level, "confidence": 0.9}
    return {**told, "statement": statement, **more}


def test_every_row_is_a_unit_and_every_failure_a_class() -> None:
    row = {"UID": 1, "Type": "L", "Air temperature [K]": 298.1}
    row |= {"Process temperature [K]": 308.6, "Rotational speed [rpm]": 1551}
    row |= {"Torque [Nm]": 42.8, "Tool wear [min]": 0}
    row |= {"TWF": 0, "HDF": 1, "PWF": 0, "OSF": 1, "RNF": 0}
    bundle = bundle_of(pd.DataFrame([row, {**row, "UID": 2, "HDF": 0, "OSF": 0}]))
    assert list(bundle.units["product"]) == ["L", "L"]
    assert sorted(bundle.defects["defect_class"]) == ["HDF", "OSF"]
    assert ("MILLING", "Torque") in bundle.columns


def test_a_difference_is_read_whichever_way_it_is_turned() -> None:
    true = [Cut(LAG, "<", 8.6)]
    assert list(cuts(cause(f"{PROCESS} - {AIR}", "< 8.6"))) == true
    assert list(cuts(cause(f"{AIR} - {PROCESS}", "> -8.6"))) == true


def test_products_have_no_order_and_pairs_have_two_parts() -> None:
    turned = cause(f"{TORQUE} * {SPEED}", "> 85944")
    assert list(cuts(turned)) == list(cuts(cause(f"{SPEED} * {TORQUE}", "> 85944")))
    pair = cause([f"{PROCESS} - {AIR}", SPEED], ["< 8.6", "< 1380"])
    assert [cut.factor for cut in cuts(pair)] == [LAG, (SPEED,)]


@pytest.mark.parametrize(
    ("level", "met"), [("> 85944", True), ("> 89000", True), ("> 92000", False)]
)
def test_a_threshold_may_be_off_by_five_percent(level: str, met: bool) -> None:
    causes = [cause(f"{SPEED} * {TORQUE}", level)]
    problem = {"defect_class": "PWF", "causes": causes, "chronic": []}
    found = {check.asked: check.met for check in checks(problem)}
    assert found["Rotational speed * Torque > 85,944 within 5 %"] is met
    assert found["names Torque"]
    assert POWER in [cut.factor for cut in cuts(causes[0])]


def test_a_stray_factor_is_a_miss() -> None:
    causes = [cause(AIR, "> 301")]
    problem = {"defect_class": "RNF", "causes": causes, "chronic": []}
    assert [check.met for check in checks(problem)] == [False]
