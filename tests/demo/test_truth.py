from __future__ import annotations

from typing import Any

import pytest

from traceability.demo.truth import Decoy, Plant, decoy_above, found_first

LOT = Plant("lot", "LINE-1", "open", "PLATING", ("LAMINATE",), "L7", 7.0, 0.1)
DRIFT = Plant(
    "parameter", "LINE-1", "short", "ETCHING", ("conveyor_speed",), ">", 7.0, 0.1
)
AGE = Plant(
    "age", "LINE-1", "spur", "ETCHING", ("ETCHING", "ETC-11"), "maintenance", 7.0, 0.1
)
PAIR = Plant(
    "interaction",
    "LINE-1",
    "copper",
    "ETCHING",
    ("DRY-FILM",),
    "DF3",
    7.0,
    0.1,
    machine="ETC-12",
)
DECOY = Decoy(LOT, ("CREW-B", "OP-105"))


def cause(kind: str, operation: str, factor: Any, level: Any, rank: int) -> Any:
    return {
        "kind": kind,
        "operation": operation,
        "factor": factor,
        "level": level,
        "rank": rank,
    }


def problem(*causes: Any, chronic: Any = ()) -> Any:
    return {"causes": list(causes), "chronic": list(chronic)}


THE_LOT = ("lot", "PLATING", "LAMINATE", "L7")
THE_CREW = ("shift", "PLATING", "PLATING", "CREW-B")


def test_a_plant_is_found_where_it_ranks_first() -> None:
    other = cause(*THE_CREW, 2)
    assert found_first(problem(other, cause(*THE_LOT, 1)), LOT)
    assert not found_first(problem(cause(*THE_CREW, 1), cause(*THE_LOT, 2)), LOT)
    assert not found_first(problem(), LOT)


def test_without_a_rise_the_chronic_causes_count() -> None:
    assert found_first(problem(chronic=[cause(*THE_LOT, 1)]), LOT)
    crew = cause(*THE_CREW, 1)
    assert not found_first(problem(crew, chronic=[cause(*THE_LOT, 1)]), LOT)


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (DRIFT, ("parameter", "ETCHING", "conveyor_speed", "> 2.61")),
        (AGE, ("age", "ETCHING", "ETCHING", "maintenance > 118")),
        (AGE, ("age", "ETCHING", "ETC-11", "maintenance > 118")),
        (PAIR, ("interaction", "x", ["DRY-FILM", "ETCHING"], ["DF3", "ETC-12"])),
    ],
)
def test_a_cause_in_the_words_of_the_contract_matches(plant: Plant, named: Any) -> None:
    assert plant.matches(cause(*named, 1))


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (LOT, ("lot", "PLATING", "LAMINATE", "L8")),
        (LOT, ("lot", "PLATING", "DRY-FILM", "L7")),
        (LOT, ("interaction", "PLATING", ["LAMINATE", "PLATING"], ["L7", "PLT-11"])),
        (DRIFT, ("parameter", "ETCHING", "conveyor_speed", "< 2.61")),
        (DRIFT, ("parameter", "ETCHING", "etchant_temperature", "> 52")),
        (DRIFT, ("equipment", "ETCHING", "ETCHING", "ETC-11")),
        (AGE, ("age", "ETCHING", "ETCHING", "calibration > 118")),
        (AGE, ("age", "PLATING", "PLATING", "maintenance > 118")),
        (PAIR, ("interaction", "x", ["DRY-FILM", "ETCHING"], ["DF3", "ETC-11"])),
        (PAIR, ("interaction", "x", ["LAMINATE", "ETCHING"], ["DF3", "ETC-12"])),
        (PAIR, ("lot", "LAMINATION", "DRY-FILM", "DF3")),
        (PAIR, ("equipment", "ETCHING", "ETCHING", "ETC-12")),
    ],
)
def test_anything_else_does_not_match(plant: Plant, named: Any) -> None:
    assert not plant.matches(cause(*named, 1))


def test_a_decoy_counts_where_its_plant_is_not_above_it() -> None:
    crew, lot = cause(*THE_CREW, 1), cause(*THE_LOT, 2)
    assert decoy_above(problem(crew, lot), DECOY)
    assert decoy_above(problem(crew), DECOY)
    assert not decoy_above(problem(lot, cause(*THE_CREW, 3)), DECOY)
    assert not decoy_above(problem(), DECOY)


def test_an_operator_or_a_pair_with_the_crew_is_the_decoy_too() -> None:
    operator = cause("operator", "PLATING", "PLATING", "OP-105", 1)
    pair = cause("interaction", "PLATING", ["LAMINATE", "PLATING"], ["L1", "CREW-B"], 1)
    assert decoy_above(problem(operator), DECOY)
    assert decoy_above(problem(pair), DECOY)


def test_a_machine_with_its_service_interval_is_the_decoy_too() -> None:
    machine = Decoy(DRIFT, ("EXP-12",))
    level = cause("equipment", "EXPOSURE", "EXPOSURE", "EXP-12", 1)
    age = cause("age", "EXPOSURE", "EXP-12", "hours since maintenance > 80", 1)
    pooled = cause("age", "EXPOSURE", "EXPOSURE", "hours since maintenance > 80", 1)
    assert decoy_above(problem(level), machine)
    assert decoy_above(problem(age), machine)
    assert not decoy_above(problem(pooled), machine)
