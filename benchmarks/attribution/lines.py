"""Lines drawn from a seed with a known cause of defects, in bundle frames.

A drawn line has thirty days, two products in campaigns, five operations with two
machines each, two readings an operation (AR(1), offset by machine), lots of three
materials, four crews on three shifts, and maintenance. Lots, machines and the hour
differ a little from one another without being a cause. A decoy crew works most of
the time while the cause is active.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-03-01T00:00:00Z")
OPERATIONS = ("OP10", "OP20", "OP30", "OP40", "OP50")
MATERIALS = {"PASTE": "OP10", "BOARD": "OP20", "CHIP": "OP30"}
CREWS = ("crew-A", "crew-B", "crew-C", "crew-D")
DEFECT_CLASS = "void"
MISSED = 0.03
FALSE_ALARMS = 0.002


@dataclass(frozen=True)
class Truth:
    """What was planted: the answer's kind and where; `kind` "nothing" for none."""

    kind: str
    operation: str = ""
    factor: str = ""
    level: str = ""
    exposed: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    threshold: float = float("nan")
    risk: float = 1.0
    decoy: str = ""


@dataclass(frozen=True)
class Settings:
    """`spread`: between lots and machines; `wander`: of the base rate (log scale)."""

    units: int = 1800
    days: float = 30.0
    spread: float = 0.15
    wander: float = 0.15
    risk: tuple[float, float] = (5.0, 8.0)
    base: tuple[float, float] = (0.01, 0.03)
    extra_parameters: int = 0


@dataclass
class Draft:
    """A line while it is drawn; arrays have one entry for each unit."""

    rng: np.random.Generator
    settings: Settings
    hours: np.ndarray
    product: np.ndarray
    machine: dict[str, np.ndarray]
    crew: np.ndarray
    shift: np.ndarray
    lot: dict[str, np.ndarray]
    reading: dict[tuple[str, str], np.ndarray]
    maintained: dict[str, np.ndarray]

    def age(self, equipment: str) -> np.ndarray:
        """Hours since the last maintenance of the equipment."""
        events = self.maintained[equipment]
        return self.hours - events[np.searchsorted(events, self.hours, "right") - 1]


@dataclass(frozen=True)
class DrawnLine:
    frames: dict[str, pd.DataFrame]
    truth: Truth


def draw_line(seed: int, plant: str, settings: Settings | None = None) -> DrawnLine:
    """Draw a line with one planted cause: a key of `PLANTS`, or "nothing"."""
    draft = _draft(np.random.default_rng([seed, len(plant)]), settings or Settings())
    truth = PLANTS[plant](draft)
    truth = _with_decoy(draft, truth)
    defective = _defective(draft, truth)
    return DrawnLine(_frames(draft, defective), truth)


def _draft(rng: np.random.Generator, settings: Settings) -> Draft:
    n = settings.units
    span = settings.days * 24
    hours = np.sort(rng.uniform(0, span, n))
    machine = {
        operation: np.where(rng.random(n) < rng.uniform(0.4, 0.6), "M1", "M2")
        for operation in OPERATIONS
    }
    machine = {op: np.char.add(f"{op}-", codes) for op, codes in machine.items()}
    draft = Draft(
        rng=rng,
        settings=settings,
        hours=hours,
        product=np.where(_blocks(rng, hours, 30.0) % 2 == 0, "P1", "P2"),
        machine=machine,
        crew=np.array(CREWS)[_crew_of_shift(rng, hours)],
        shift=np.array(["early", "late", "night"])[(hours // 8 % 3).astype(int)],
        lot={m: _lots(rng, m, n) for m in MATERIALS},
        reading={},
        maintained={},
    )
    for operation in OPERATIONS:
        for code in np.unique(machine[operation]):
            draft.maintained[str(code)] = np.cumsum(rng.uniform(90, 150, 12)) - 200
        for name in ("temperature", "pressure"):
            draft.reading[operation, name] = _readings(draft, operation)
    for k in range(settings.extra_parameters):
        operation = OPERATIONS[k % len(OPERATIONS)]
        draft.reading[operation, f"extra-{k}"] = _readings(draft, operation)
    return draft


def _blocks(rng: np.random.Generator, hours: np.ndarray, mean: float) -> np.ndarray:
    edges = np.cumsum(rng.exponential(mean, int(hours[-1] / mean * 3) + 10))
    return np.searchsorted(edges, hours)


def _crew_of_shift(rng: np.random.Generator, hours: np.ndarray) -> np.ndarray:
    shift = (hours // 8).astype(int)
    return rng.integers(0, len(CREWS), shift.max() + 1)[shift]


def _lots(rng: np.random.Generator, material: str, n: int) -> np.ndarray:
    """Lots in sequence from two feeders, 80 to 160 units each."""
    feeder = rng.integers(0, 2, n)
    codes = np.zeros(n, dtype=int)
    for side in (0, 1):
        own = np.flatnonzero(feeder == side)
        edges = np.cumsum(rng.integers(80, 161, n // 80 + 2))
        codes[own] = np.searchsorted(edges, np.arange(own.size), "right") * 2 + side
    return np.char.add(f"{material}-", codes.astype(str))


def _readings(draft: Draft, operation: str) -> np.ndarray:
    rng, n = draft.rng, draft.settings.units
    noise = rng.normal(size=n)
    slow = np.zeros(n)
    for i in range(1, n):
        slow[i] = 0.98 * slow[i - 1] + 0.1 * noise[i]
    offset = np.where(np.char.endswith(draft.machine[operation], "M1"), 0.0, 0.8)
    return 50 + offset * rng.normal() + slow + rng.normal(size=n)


def _nothing(_draft: Draft) -> Truth:
    return Truth("nothing")


def _risk(draft: Draft) -> float:
    return float(draft.rng.uniform(*draft.settings.risk))


def _parameter(draft: Draft) -> Truth:
    """One machine's reading drifts up; what lies above the threshold is at risk."""
    rng, span = draft.rng, draft.settings.days * 24
    operation = str(rng.choice(OPERATIONS))
    code = f"{operation}-M{rng.integers(1, 3)}"
    own = draft.machine[operation] == code
    values = draft.reading[operation, "temperature"]
    threshold = float(values[own].mean() + 2.2 * values[own].std())
    begin = rng.uniform(0.45, 0.75) * span
    ramp = np.clip((draft.hours - begin) / (0.15 * span), 0, 1)
    values[own] += rng.uniform(3.0, 5.0) * ramp[own]
    exposed = own & (values > threshold)
    return Truth(
        "parameter", operation, "temperature", code, exposed, threshold, _risk(draft)
    )


def _lot(draft: Draft) -> Truth:
    material = str(draft.rng.choice(list(MATERIALS)))
    lots = draft.lot[material]
    names, counts = np.unique(lots, return_counts=True)
    level = str(draft.rng.choice(names[counts > 0.05 * lots.size]))
    return Truth(
        "lot", MATERIALS[material], material, level, lots == level, risk=_risk(draft)
    )


def _age(draft: Draft) -> Truth:
    """One machine misses its maintenance; beyond a number of hours it does harm."""
    rng, span = draft.rng, draft.settings.days * 24
    operation = str(rng.choice(OPERATIONS))
    code = f"{operation}-M{rng.integers(1, 3)}"
    begin = rng.uniform(0.3, 0.6) * span
    length = rng.uniform(260, 340)
    events = draft.maintained[code]
    kept = events[(events < begin) | (events > begin + length)]
    draft.maintained[code] = np.sort(np.append(kept, begin))
    age = draft.age(code)
    threshold = float(rng.uniform(155, 185))
    exposed = (draft.machine[operation] == code) & (age > threshold)
    return Truth(
        "age", operation, code, "maintenance", exposed, threshold, _risk(draft)
    )


def _equipment(draft: Draft) -> Truth:
    """One machine goes bad at an onset."""
    rng, span = draft.rng, draft.settings.days * 24
    operation = str(rng.choice(OPERATIONS))
    code = f"{operation}-M{rng.integers(1, 3)}"
    begin = rng.uniform(0.5, 0.85) * span
    exposed = (draft.machine[operation] == code) & (draft.hours > begin)
    return Truth("equipment", operation, operation, code, exposed, begin, _risk(draft))


def _operator(draft: Draft) -> Truth:
    level = str(draft.rng.choice(CREWS))
    return Truth(
        "operator", level=level, exposed=draft.crew == level, risk=_risk(draft)
    )


def _interaction(draft: Draft) -> Truth:
    """One lot does harm on one machine of the operation that uses it, only there."""
    material = str(draft.rng.choice(list(MATERIALS)))
    lots = draft.lot[material]
    names, counts = np.unique(lots, return_counts=True)
    level = str(draft.rng.choice(names[counts > 0.06 * lots.size]))
    operation = MATERIALS[material]
    code = f"{operation}-M{draft.rng.integers(1, 3)}"
    exposed = (lots == level) & (draft.machine[operation] == code)
    return Truth(
        "interaction",
        operation,
        material,
        f"{level}|{code}",
        exposed,
        risk=_risk(draft),
    )


def _hidden(draft: Draft) -> Truth:
    """Two days in which something that nobody recorded was wrong."""
    begin = draft.rng.uniform(0.2, 0.85) * draft.settings.days * 24
    exposed = (draft.hours > begin) & (draft.hours < begin + 48)
    return Truth("hidden", exposed=exposed, risk=_risk(draft))


PLANTS: dict[str, Callable[[Draft], Truth]] = {
    "nothing": _nothing,
    "parameter": _parameter,
    "lot": _lot,
    "age": _age,
    "equipment": _equipment,
    "operator": _operator,
    "interaction": _interaction,
    "hidden": _hidden,
}


def _with_decoy(draft: Draft, truth: Truth) -> Truth:
    """Give most of the shifts in which the cause is active to one other crew."""
    if truth.kind in ("nothing", "operator", "hidden"):
        return truth
    decoy = str(draft.rng.choice(CREWS))
    shift = (draft.hours // 8).astype(int)
    share = np.bincount(shift, weights=truth.exposed) / np.maximum(
        np.bincount(shift), 1
    )
    moved = (share > 0.25) & (draft.rng.random(share.size) < 0.6)
    draft.crew = np.where(moved[shift], decoy, draft.crew)
    return replace(truth, decoy=decoy)


def _defective(draft: Draft, truth: Truth) -> np.ndarray:
    rng, spread = draft.rng, draft.settings.spread
    log_risk = np.zeros(draft.hours.size)
    for levels in [*draft.lot.values(), *draft.machine.values()]:
        _, codes = np.unique(levels, return_inverse=True)
        log_risk += rng.normal(0, spread, codes.max() + 1)[codes]
    log_risk += _wander(rng, draft.hours, draft.settings.wander)
    log_risk += np.where(draft.product == "P1", 0.0, 0.4)
    if truth.exposed.size:
        log_risk += np.log(truth.risk) * truth.exposed
    base = rng.uniform(*draft.settings.base)
    true = rng.random(log_risk.size) < np.minimum(base * np.exp(log_risk), 0.9)
    missed = rng.random(true.size) < MISSED
    invented = rng.random(true.size) < FALSE_ALARMS
    return (true & ~missed) | invented


def _wander(rng: np.random.Generator, hours: np.ndarray, size: float) -> np.ndarray:
    """A slow random walk back to zero (half a day), one value a unit."""
    steps = int(hours[-1]) + 2
    walk = np.zeros(steps)
    for i in range(1, steps):
        walk[i] = 0.92 * walk[i - 1] + rng.normal(0, size * np.sqrt(1 - 0.92**2))
    return walk[hours.astype(int)]


def _at(hours: np.ndarray) -> pd.Series:
    return pd.Series(START + pd.to_timedelta(np.round(hours * 3600), unit="s"))


def _frames(draft: Draft, defective: np.ndarray) -> dict[str, pd.DataFrame]:
    n = draft.hours.size
    unit = np.char.add("U", np.char.zfill(np.arange(n).astype(str), 6))
    done = _at(draft.hours + 4)
    return {
        "units": pd.DataFrame(
            {"unit": unit, "product": draft.product, "batch": "", "completed_at": done}
        ),
        "steps": pd.concat([_step(draft, unit, op) for op in OPERATIONS]),
        "lots": pd.concat(
            [
                pd.DataFrame(
                    {"unit": unit, "operation": op, "material": m, "lot": draft.lot[m]}
                )
                for m, op in MATERIALS.items()
            ]
        ),
        "readings": pd.concat(
            [
                pd.DataFrame(
                    {"unit": unit, "operation": op, "parameter": p, "value": values}
                )
                for (op, p), values in draft.reading.items()
            ]
        ),
        "equipment_events": pd.concat(
            [
                pd.DataFrame(
                    {"equipment": code, "at": _at(hours), "kind": "maintenance"}
                )
                for code, hours in draft.maintained.items()
            ]
        ),
        "defects": pd.DataFrame(
            {"unit": unit[defective], "defect_class": DEFECT_CLASS}
        ),
    }


def _step(draft: Draft, unit: np.ndarray, operation: str) -> pd.DataFrame:
    begin = draft.hours + 0.5 * OPERATIONS.index(operation)
    return pd.DataFrame(
        {
            "unit": unit,
            "operation": operation,
            "equipment": draft.machine[operation],
            "operator": draft.crew,
            "shift": draft.shift,
            "started_at": _at(begin),
            "ended_at": _at(begin + 0.4),
        }
    )
