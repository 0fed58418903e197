"""A bundle of any size in the layout for speed, with one planted cause.

    python -m benchmarks.attribution.wide FOLDER --units 1000000 --parameters 200

Four operations with equipment, operator, shift and tool, and a material each: 20
categorical factors with 2,000 levels in all. Readings are columns, one file for each
parameter. One parameter of one machine drifts, and units above its threshold fail more
often; `truth.json` beside the files says which. Needs about 100 bytes a unit and
factor of memory while it writes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

OPERATIONS = ("OP10", "OP20", "OP30", "OP40")
LEVELS = {"equipment": 16, "operator": 20, "shift": 3, "tool": 11}
LOTS = 450
DEFECT_CLASS = "void"
SECONDS_A_UNIT = 8
START = np.datetime64("2026-01-01T00:00:00", "us")
BASE_RATE = 0.01
RISK = 6.0
DRIFT_FROM = 0.6
"""Share of the units after which the planted parameter begins to drift."""


@dataclass(frozen=True)
class WideTruth:
    """The planted cause: units above `threshold` on `equipment`, `exposed` of them."""

    kind: str
    operation: str
    factor: str
    equipment: str
    threshold: float
    exposed: int


def write_wide(folder: Path, units: int, parameters: int, seed: int) -> WideTruth:
    """Write the bundle and `truth.json`; files of the same names are replaced."""
    (folder / "readings").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    at = START + np.arange(units) * np.timedelta64(SECONDS_A_UNIT, "s")
    machines = {op: rng.integers(0, LEVELS["equipment"], units) for op in OPERATIONS}
    truth, exposed = _write_readings(folder, rng, machines, parameters)
    names = pa.array(np.char.mod("U%08d", np.arange(units)))
    _write_made(folder, rng, names, at)
    _write_steps(folder, rng, names, at, machines)
    _write_lots(folder, rng, names)
    bad = rng.random(units) < BASE_RATE * np.where(exposed, RISK, 1.0)
    _write_found(folder, names, at, np.flatnonzero(bad))
    (folder / "truth.json").write_text(json.dumps(asdict(truth)) + "\n")
    return truth


def _write(folder: Path, file: str, columns: dict[str, pa.Array]) -> None:
    parquet.write_table(pa.table(columns), folder / f"{file}.parquet")


def _times(at: np.ndarray) -> pa.Array:
    return pa.array(at, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))


def _names(codes: np.ndarray, prefix: str) -> pa.Array:
    levels = pa.array([f"{prefix}{code:03d}" for code in range(codes.max() + 1)])
    return levels.take(pa.array(codes))


def _write_made(
    folder: Path, rng: np.random.Generator, names: pa.Array, at: np.ndarray
) -> None:
    units = len(names)
    campaigns = rng.integers(0, 3, units // 2000 + 1)[np.arange(units) // 2000]
    made = {
        "unit": names,
        "product": _names(campaigns, "P"),
        "batch": _names(np.arange(units) * 500 // max(units, 1), "B"),
        "completed_at": _times(at + np.timedelta64(4, "h")),
    }
    _write(folder, "units", made)


def _write_steps(
    folder: Path,
    rng: np.random.Generator,
    names: pa.Array,
    at: np.ndarray,
    machines: dict[str, np.ndarray],
) -> None:
    """All units at one operation, then all at the next."""
    parts = [
        _step(rng, names, at + np.timedelta64(30 * k, "m"), operation, machine)
        for k, (operation, machine) in enumerate(machines.items())
    ]
    parquet.write_table(pa.concat_tables(parts), folder / "steps.parquet")


def _step(
    rng: np.random.Generator,
    names: pa.Array,
    at: np.ndarray,
    operation: str,
    machine: np.ndarray,
) -> pa.Table:
    hours = (at - START) // np.timedelta64(1, "h")
    turn = (hours // 8).astype(int)
    crews = rng.integers(0, LEVELS["operator"], (turn.max() + 1, LEVELS["equipment"]))
    tools = (machine + hours.astype(int) // 100) % LEVELS["tool"]
    return pa.table(
        {
            "unit": names,
            "operation": pa.array([operation]).take(pa.array(np.zeros_like(machine))),
            "equipment": _names(machine, f"{operation}-M"),
            "operator": _names(crews[turn, machine], f"{operation}-crew-"),
            "shift": _names(turn % LEVELS["shift"], "shift-"),
            "tool": _names(tools, f"{operation}-T"),
            "started_at": _times(at),
            "ended_at": _times(at + np.timedelta64(5, "m")),
        }
    )


def _write_lots(folder: Path, rng: np.random.Generator, names: pa.Array) -> None:
    """Lots in sequence, one a unit and material, of uneven sizes."""
    parts = []
    for operation in OPERATIONS:
        ends = np.sort(rng.choice(len(names), LOTS - 1, replace=len(names) < LOTS))
        lot = np.searchsorted(ends, np.arange(len(names)), "right")
        constant = pa.array(np.zeros_like(lot))
        parts.append(
            pa.table(
                {
                    "unit": names,
                    "operation": pa.array([operation]).take(constant),
                    "material": pa.array([f"MAT-{operation}"]).take(constant),
                    "lot": _names(lot, f"L{operation}-"),
                }
            )
        )
    parquet.write_table(pa.concat_tables(parts), folder / "lots.parquet")


def _write_found(
    folder: Path, names: pa.Array, at: np.ndarray, bad: np.ndarray
) -> None:
    look = pa.array(np.char.mod("I%08d", np.arange(len(names))))
    seen = {
        "unit": names,
        "inspected_at": _times(at + np.timedelta64(5, "h")),
        "inspection": look,
    }
    _write(folder, "inspections", seen)
    bad = pa.array(bad)
    void = pa.array([DEFECT_CLASS] * len(bad), pa.string())
    found = {"unit": names.take(bad), "defect_class": void}
    _write(folder, "defects", {**found, "inspection": look.take(bad)})


def _write_readings(
    folder: Path,
    rng: np.random.Generator,
    machines: dict[str, np.ndarray],
    parameters: int,
) -> tuple[WideTruth, np.ndarray]:
    """Every parameter as a file; the first of the last operation is the cause."""
    operation = OPERATIONS[-1]
    machine = machines[operation]
    own = machine == machine[0]
    for k in range(parameters):
        at_operation = OPERATIONS[-1 - k % len(OPERATIONS)]
        values = _reading(rng, machines[at_operation])
        if k == 0:
            threshold = float(values[own].mean() + 2.5 * values[own].std())
            values[own] += 4.0 * _drift(values.size)[own]
            exposed = own & (values > threshold)
        name = f"{at_operation}__p{k:03d}"
        _write(folder, f"readings/{name}", {"value": pa.array(values)})
    equipment = f"{operation}-M{machine[0]:03d}"
    count = int(exposed.sum())
    return (
        WideTruth("parameter", operation, "p000", equipment, threshold, count),
        exposed,
    )


def _drift(n: int) -> np.ndarray:
    return np.clip((np.arange(n) / n - DRIFT_FROM) / 0.15, 0, 1)


def _reading(rng: np.random.Generator, machine: np.ndarray) -> np.ndarray:
    """A slow walk common to the operation, an offset by machine, and noise."""
    n = machine.size
    knots = np.cumsum(rng.normal(0, 0.05, 400))
    slow = np.interp(np.arange(n), np.linspace(0, n, knots.size), knots)
    offset = rng.normal(0, 0.5, LEVELS["equipment"])[machine]
    values = 50 + slow + offset + rng.standard_normal(n, dtype=np.float32)
    return values.astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--parameters", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    truth = write_wide(asked.folder, asked.units, asked.parameters, asked.seed)
    print(json.dumps(asdict(truth)))


if __name__ == "__main__":
    main()
