"""Puts a line, its noise, its plants and its decoys together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.attribution.simulator import decoys
from benchmarks.attribution.simulator.clock import START_SECONDS
from benchmarks.attribution.simulator.frames import (
    Columns,
    Frames,
    line_frames,
    without,
    write_frames,
)
from benchmarks.attribution.simulator.hidden import HIDDEN
from benchmarks.attribution.simulator.line import Line, drawn_line
from benchmarks.attribution.simulator.noise import log_base
from benchmarks.attribution.simulator.plants import PLANTS, Rng
from benchmarks.attribution.simulator.readings import (
    cast_shadows,
    draw_readings,
    shown,
)
from benchmarks.attribution.simulator.settings import (
    KINDS,
    STYLES,
    Settings,
    log_uniform,
)
from benchmarks.attribution.simulator.truth import Decoy, Planted, Truth, risk_of


@dataclass(frozen=True)
class Simulated:
    """`frames` by file of the bundle; `columns`: readings in order of the units."""

    frames: Frames
    columns: Columns
    truth: Truth


def simulate(
    seed: int,
    kind: str,
    settings: Settings | None = None,
    family: str = "development",
) -> Simulated:
    """Draw a line with one kind of cause; the same arguments give the same line."""
    settings = settings or Settings()
    style = STYLES[family]
    streams = np.random.default_rng([style.number, KINDS.index(kind), seed]).spawn(6)
    line = drawn_line(streams[0], settings, style)
    misleading = decoys.wanted(streams[1], settings.decoys)
    simpson = [decoys.simpson(streams[1], line)] if "simpson" in misleading else []
    draw_readings(streams[2], line)
    plants = _plants(streams[3], line, kind)
    plants, others = _mislead(streams[1], line, kind, plants, misleading)
    cast_shadows(streams[2], line)
    base = log_base(streams[4], line)
    truth = _truth(streams[5], kind, plants, (*simpson, *others), base)
    columns = shown(streams[2], line)
    frames = line_frames(line, columns, truth.defective)
    if truth.removed is not None:
        frames, columns = without(line, truth.removed, frames, columns)
    return Simulated(frames, columns, truth)


def _plants(rng: Rng, line: Line, kind: str) -> tuple[Planted, ...]:
    if kind == "null":
        return ()
    if kind == "hidden":
        return (HIDDEN[rng.integers(len(HIDDEN))](rng, line, _lift(rng, line)),)
    names = [kind]
    if kind == "two":
        names = [str(n) for n in rng.choice(list(PLANTS), 2, replace=False)]
    return tuple(PLANTS[name](rng, line, _lift(rng, line)) for name in names)


def _lift(rng: Rng, line: Line) -> float:
    settings = line.settings
    return settings.lift or log_uniform(rng, settings.lift_range)


def _mislead(
    rng: Rng,
    line: Line,
    kind: str,
    plants: tuple[Planted, ...],
    wanted: tuple[str, ...],
) -> tuple[tuple[Planted, ...], list[Decoy]]:
    """Add the decoys that the kind allows; a mediator may carry all of the harm.

    A hidden cause gets none that would be a recorded trace of it.
    """
    found: list[Decoy] = []
    if "maintenance" in wanted and kind != "hidden":
        at = _first_hours(rng, line, plants)
        blamed = plants[0].equipment or str(plants[0].level) if plants else ""
        found.append(decoys.maintenance(rng, line, at, blamed))
    if not plants or kind == "hidden":
        return plants, found
    first, rest = plants[0], plants[1:]
    if "crew" in wanted and all(plant.kind != "operator" for plant in plants):
        found.append(decoys.crew(rng, line, first))
    if "alias" in wanted and not rest:
        found.extend(filter(None, [decoys.alias(rng, line, first)]))
    if "mediator" in wanted and not rest:
        made = decoys.mediator(rng, line, first)
        if made is not None:
            first = made[0]
            found.append(made[1])
    return (first, *rest), found


def _first_hours(rng: Rng, line: Line, plants: tuple[Planted, ...]) -> float:
    """When the harm begins; any time where there is none."""
    if not plants:
        return float(rng.uniform(0.2, 0.8) * line.span)
    if plants[0].onset is not None:
        return (plants[0].onset - START_SECONDS) / 3600
    return float(line.hours[np.flatnonzero(plants[0].exposed)[0]])


def _truth(
    rng: Rng,
    kind: str,
    plants: tuple[Planted, ...],
    misleading: tuple[Decoy, ...],
    base: np.ndarray,
) -> Truth:
    uniforms = rng.random(base.size)
    risk = risk_of(base, plants)
    truth = Truth(
        kind=kind,
        planted=plants,
        decoys=misleading,
        log_base=base,
        uniforms=uniforms,
        risk=risk,
        defective=uniforms < risk,
        defective_without=uniforms < risk_of(base, ()),
    )
    if kind == "hidden":
        return replace(truth, planted=(), removed=plants[0])
    return truth


def write_bundle(
    simulated: Simulated, folder: Path, column_layout: bool = True
) -> None:
    """Write the folder that `python -m analytics` reads."""
    write_frames(folder, simulated.frames, simulated.columns, column_layout)
