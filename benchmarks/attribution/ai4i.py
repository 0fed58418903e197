"""Does the analysis find the rules behind the failures of AI4I 2020?

    python -m benchmarks.attribution.ai4i PATH/ai4i2020.csv

AI4I 2020 (Matzka 2020, UCI machine learning repository 601) was drawn from stated
rules, so the true factors and thresholds are known. Every row becomes a unit, one a
minute, with `Type` as its product and five readings at one operation; every failure
column becomes a class of defects. Exit code 0 when all is met, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle

START = pd.Timestamp("2026-01-05T00:00:00Z")
OPERATION = "MILLING"
READINGS = (
    "Air temperature [K]",
    "Process temperature [K]",
    "Rotational speed [rpm]",
    "Torque [Nm]",
    "Tool wear [min]",
)
CLASSES = ("TWF", "HDF", "PWF", "OSF", "RNF")
LOUD = 0.5
TOLERANCE = 0.05
WATTS = 60 / (2 * math.pi)
"""Nm * rpm that make a watt."""

AIR, PROCESS = "Air temperature", "Process temperature"
SPEED, TORQUE, WEAR = "Rotational speed", "Torque", "Tool wear"
Json = Mapping[str, Any]
Factor = tuple[str, ...]
"""A reading, or a derived one as ("*" or "-", part, part)."""

POWER: Factor = ("*", *sorted((TORQUE, SPEED)))
STRAIN: Factor = ("*", *sorted((TORQUE, WEAR)))
LAG: Factor = ("-", PROCESS, AIR)

# The limit of OSF also differs between products. A product is a stratum, not a cause.
TRUE_SETS: dict[str, tuple[Factor, ...]] = {
    "TWF": ((WEAR,),),
    "HDF": (LAG, (AIR,), (PROCESS,), (SPEED,)),
    "PWF": ((TORQUE,), (SPEED,), POWER),
    "OSF": ((WEAR,), (TORQUE,), STRAIN),
    "RNF": (),
}


@dataclass(frozen=True)
class Cut:
    """A threshold of a factor: the side of it that is at risk, and where it lies."""

    factor: Factor
    sign: str
    value: float


TRUE_CUTS: dict[str, tuple[Cut, ...]] = {
    "TWF": (Cut((WEAR,), ">", 200.0),),
    "HDF": (Cut(LAG, "<", 8.6), Cut((SPEED,), "<", 1380.0)),
    "PWF": (Cut(POWER, "<", 3500 * WATTS), Cut(POWER, ">", 9000 * WATTS)),
}


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    defect_class: str
    asked: str
    found: str
    met: bool


def bundle_of(table: pd.DataFrame) -> Bundle:
    """The bundle of the file's rows."""
    unit = table["UID"].astype(str)
    at = START + pd.to_timedelta(range(len(table)), unit="min")
    units = pd.DataFrame(
        {"unit": unit, "product": table["Type"], "batch": "", "completed_at": at}
    )
    steps = pd.DataFrame(
        {
            "unit": unit,
            "operation": OPERATION,
            "equipment": "MILL-1",
            "started_at": at,
            "ended_at": at,
        }
    )
    parameters, columns = [], {}
    for heading in READINGS:
        name, measure = _name_and_measure(heading)
        parameters.append((OPERATION, name, measure))
        columns[OPERATION, name] = table[heading].to_numpy(dtype="float32")
    known = pd.DataFrame(
        parameters, columns=["operation", "parameter", "unit_of_measure"]
    )
    failed = [
        pd.DataFrame({"unit": unit[table[name] == 1], "defect_class": name})
        for name in CLASSES
    ]
    frames = {"units": units, "steps": steps, "parameters": known}
    return Bundle.of({**frames, "defects": pd.concat(failed)}, columns)


def _name_and_measure(heading: str) -> tuple[str, str]:
    name, _, measure = heading.partition(" [")
    return name, measure.rstrip("]")


def cuts(cause: Json) -> Iterator[Cut]:
    """What a cause says, part by part; differences as the true one is turned."""
    factors, levels = cause["factor"], cause["level"]
    if not isinstance(factors, list):
        factors, levels = [factors], [levels]
    for factor, level in zip(factors, levels, strict=True):
        yield _cut(str(factor), str(level))


def _cut(factor: str, level: str) -> Cut:
    number = re.search(r"([<>])\s*([-+.\deE]+)", level)
    sign, value = (number[1], float(number[2])) if number else ("=", math.nan)
    for mark in ("-", "*"):
        parts = factor.split(f" {mark} ")
        if len(parts) == 2:
            return _derived(mark, parts, sign, value)
    return Cut((factor,), sign, value)


def _derived(mark: str, parts: list[str], sign: str, value: float) -> Cut:
    if mark == "*":
        return Cut((mark, *sorted(parts)), sign, value)
    if tuple(parts) == (AIR, PROCESS):
        turned = {"<": ">", ">": "<"}.get(sign, sign)
        return Cut((mark, PROCESS, AIR), turned, -value)
    return Cut((mark, *parts), sign, value)


def checks(problem: Json) -> Iterator[Check]:
    """All that is asked about one class of failures."""
    name = problem["defect_class"]
    loud = [
        cause
        for cause in (*problem["causes"], *problem["chronic"])
        if cause["confidence"] >= LOUD
    ]
    said = [cut for cause in loud for cut in cuts(cause)]
    named = {factor for cut in said for factor in _with_parts(cut.factor)}
    for factor in TRUE_SETS[name]:
        met = factor in named
        yield Check(name, f"names {_words(factor)}", "yes" if met else "no", met)
    outside = {cut.factor for cut in said} - set(TRUE_SETS[name])
    told = ", ".join(map(_words, sorted(outside))) or "nothing"
    yield Check(name, f"names nothing else at >= {LOUD}", told, not outside)
    for cut in TRUE_CUTS.get(name, ()):
        yield _cut_check(name, cut, said)


def _with_parts(factor: Factor) -> tuple[Factor, ...]:
    """A derived reading names both of its parts."""
    if len(factor) == 1:
        return (factor,)
    return factor, (factor[1],), (factor[2],)


def _cut_check(name: str, true: Cut, said: Iterable[Cut]) -> Check:
    values = [
        cut.value for cut in said if (cut.factor, cut.sign) == (true.factor, true.sign)
    ]
    nearest = min(values, key=lambda value: abs(value - true.value), default=math.nan)
    met = abs(nearest / true.value - 1) <= TOLERANCE
    asked = f"{_words(true.factor)} {true.sign} {true.value:,.5g} within 5 %"
    found = f"{nearest:,.5g} ({nearest / true.value - 1:+.1%})" if values else "no"
    return Check(name, asked, found, met)


def _words(factor: Factor) -> str:
    return factor[0] if len(factor) == 1 else f"{factor[1]} {factor[0]} {factor[2]}"


def print_causes(problem: Json) -> None:
    """What the analysis said, whatever its confidence."""
    print(f"{problem['defect_class']}: {problem['defective_units']} defective units")
    for listed in ("causes", "chronic"):
        for cause in problem[listed]:
            print(
                f"  {listed} {cause['confidence']:.3f} {cause['kind']} "
                f"{cause['factor']} {cause['level']} "
                f"risk {cause['relative_risk']} exposed {cause['exposed_units']} "
                f"{cause['statement']}"
            )


def print_table(lines: Iterable[Check]) -> None:
    """Markdown: what was asked, what was found, met or missed."""
    print("| class | asked | found | |")
    print("|---|---|---|---|")
    for line in lines:
        verdict = "met" if line.met else "MISSED"
        print(f"| {line.defect_class} | {line.asked} | {line.found} | {verdict} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path, help="ai4i2020.csv")
    parser.add_argument("--json", type=Path, help="write the whole answer there")
    asked = parser.parse_args()
    bundle = bundle_of(pd.read_csv(asked.csv))
    begun = time.perf_counter()
    found = analyse(bundle).to_json()
    print(f"{found['units']} units, {time.perf_counter() - begun:.1f} s\n")
    for problem in found["problems"]:
        print_causes(problem)
    lines = [line for problem in found["problems"] for line in checks(problem)]
    print()
    print_table(lines)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    raise SystemExit(main())
