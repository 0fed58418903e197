"""What the best possible analysis would see: true noise, true form of the risk.

With b the true risk of each unit without the term, rescaled to the same total, the
log likelihood ratio of "the units S are at theta times the risk" (Poisson) is
O ln(theta) - D ln(1 + (theta - 1) B): O defects in S, D in all, B the share of b in S.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.attribution.simulator import Planted, Simulated, Truth
from benchmarks.attribution.simulator.truth import risk_of

DETECTABLE = 12.0
QUANTILES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def likelihood_ratio(truth: Truth, planted: Planted) -> float:
    """Of one planted term, the other plants in place; natural logarithm."""
    others = [other for other in truth.acting if other is not planted]
    base = risk_of(truth.log_base, others)
    share = base[planted.acting].sum() / base.sum()
    inside = truth.defective[planted.acting].sum()
    return float(_ratio(inside, share, truth.defective.sum(), planted.lift))


def likelihood_ratios(truth: Truth) -> list[float]:
    return [likelihood_ratio(truth, planted) for planted in truth.acting]


def detectable(truth: Truth) -> bool:
    """Can every plant be seen at all? False where there is none."""
    found = likelihood_ratios(truth)
    return bool(found) and min(found) >= DETECTABLE


def _ratio(
    inside: Floats | float, share: Floats | float, total: float, lift: float
) -> Floats:
    return np.asarray(
        np.asarray(inside) * np.log(lift)
        - total * np.log1p((lift - 1) * np.asarray(share))
    )


@dataclass(frozen=True)
class Scored:
    """A simple cause, named as the contract names it, and its best ratio."""

    kind: str
    operation: str
    factor: str | tuple[str, str]
    level: str | tuple[str, str]
    ratio: float

    def as_cause(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "operation": self.operation,
            "factor": self.factor,
            "level": self.level,
        }


@dataclass(frozen=True)
class _Scorer:
    """Sums over sets of units: defects, and share of the true base risk."""

    found: Floats
    share: Floats
    lift: float

    def best(self, inside: Floats, share: Floats) -> Floats:
        return _ratio(inside, share, float(self.found.sum()), self.lift)

    def levels(self, codes: NDArray[np.int64], n: int) -> Floats:
        """The ratio of each level; units with a negative code have none."""
        own = codes >= 0
        inside = np.bincount(codes[own], self.found[own], n)
        return self.best(inside, np.bincount(codes[own], self.share[own], n))


def oracle_ranking(simulated: Simulated) -> list[Scored]:
    """All simple causes by their ratio under true noise and true lift, best first.

    Levels; machines, suppliers and tools from an onset on; thresholds of readings
    and ages at quantiles and at the true one, pooled and by machine; cells of lot
    and machine. Of one factor (or one cause in another shape) the best counts.
    """
    lift = simulated.truth.acting[0].lift if simulated.truth.acting else 5.0
    base = risk_of(simulated.truth.log_base, ())
    found = simulated.truth.defective.astype(np.float64)
    scorer = _Scorer(found, base / base.sum(), lift)
    scored = [*_levels(simulated, scorer), *_cells(simulated, scorer)]
    scored.extend(_thresholds(simulated, scorer))
    return sorted(scored, key=lambda one: -one.ratio)


def oracle_first(simulated: Simulated) -> bool:
    """Is a planted cause, or its alias, as good as any in the oracle's ranking?"""
    ranking = oracle_ranking(simulated)
    best = [one.as_cause() for one in ranking if one.ratio >= ranking[0].ratio - 1e-9]
    truth = simulated.truth
    aliases = [decoy for decoy in truth.decoys if decoy.type == "alias"]
    names = (*truth.planted, *aliases)
    return any(name.matches(cause) for name in names for cause in best)


def _levels(simulated: Simulated, scorer: _Scorer) -> Iterator[Scored]:
    steps, lots = simulated.frames["steps"], simulated.frames["lots"]
    units = simulated.frames["units"]["unit"]
    for operation, own in steps.groupby("operation"):
        for kind in ("equipment", "operator", "shift", "tool"):
            if kind in own:
                labels = _by_unit(own, kind, units)
                yield from _of_factor(
                    scorer, kind, str(operation), str(operation), labels
                )
    for (operation, material), own in lots.groupby(["operation", "material"]):
        for kind in ("lot", "supplier"):
            labels = _by_unit(own, kind, units)
            yield from _of_factor(scorer, kind, str(operation), str(material), labels)


def _by_unit(own: pd.DataFrame, column: str, units: pd.Series) -> pd.Series:
    if len(own) == len(units) and (own["unit"].to_numpy() == units.to_numpy()).all():
        return own[column].reset_index(drop=True)
    return own.set_index("unit")[column].reindex(units).reset_index(drop=True)


def _of_factor(
    scorer: _Scorer, kind: str, operation: str, factor: str, labels: pd.Series
) -> Iterator[Scored]:
    codes, names = pd.factorize(labels.replace("", None))
    ratios = scorer.levels(codes.astype(np.int64), len(names))
    if kind in ("equipment", "supplier", "tool"):
        ratios = np.maximum(ratios, _from_onsets(scorer, codes, len(names)))
    for name, ratio in zip(names, ratios, strict=True):
        yield Scored(kind, operation, factor, str(name), float(ratio))


def _from_onsets(scorer: _Scorer, codes: NDArray[np.int64], n: int) -> Floats:
    """The best ratio of each level over all onsets, every unit's time among them."""
    best = np.full(n, -np.inf)
    for code in range(n):
        own = np.flatnonzero(codes == code)[::-1]
        inside, share = np.cumsum(scorer.found[own]), np.cumsum(scorer.share[own])
        best[code] = scorer.best(inside, share).max(initial=-np.inf)
    return best


def _cells(simulated: Simulated, scorer: _Scorer) -> Iterator[Scored]:
    """A lot at each machine of the operation that uses it and of later ones."""
    steps, lots = simulated.frames["steps"], simulated.frames["lots"]
    units = simulated.frames["units"]["unit"]
    machine = {
        str(operation): pd.factorize(_by_unit(own, "equipment", units))
        for operation, own in steps.groupby("operation")
    }
    for (at, material), own in lots.groupby(["operation", "material"]):
        lot, names = pd.factorize(_by_unit(own, "lot", units))
        for operation in (op for op in machine if op >= str(at)):
            codes, machines = machine[operation]
            cell = np.where((lot >= 0) & (codes >= 0), lot * len(machines) + codes, -1)
            ratios = scorer.levels(cell, len(names) * len(machines))
            for k in np.argsort(-ratios)[:3]:
                pair = str(names[k // len(machines)]), str(machines[k % len(machines)])
                yield Scored(
                    "interaction",
                    operation,
                    (str(material), operation),
                    pair,
                    float(ratios[k]),
                )


def _thresholds(simulated: Simulated, scorer: _Scorer) -> Iterator[Scored]:
    for kind, operation, name, values, machine in _numbers(simulated):
        true = [
            plant.threshold
            for plant in simulated.truth.acting
            if plant.threshold is not None and plant.operation == operation
            if kind == "age" or plant.factor == name
        ]
        groups = [np.arange(values.size)]
        groups += [np.flatnonzero(machine == code) for code in np.unique(machine)]
        above, below = -np.inf, -np.inf
        for own in groups:
            high, low = _best_cut(scorer, values[own], own, true)
            above, below = max(above, high), max(below, low)
        factor = operation if kind == "age" else name
        level = "maintenance >" if kind == "age" else ">"
        yield Scored(kind, operation, factor, level, above)
        if kind == "parameter":
            yield Scored(kind, operation, factor, "<", below)


def _best_cut(
    scorer: _Scorer, values: Floats, own: NDArray[np.int64], true: list[float]
) -> tuple[float, float]:
    """The best ratios above and below a cut at quantiles or at the true threshold."""
    known = np.isfinite(values)
    values, own = values[known], own[known]
    if not own.size:
        return -np.inf, -np.inf
    cuts = np.append(np.quantile(values, QUANTILES), true)
    order = np.argsort(values)
    at = np.searchsorted(values[order], cuts, side="right")
    inside = np.append(0.0, np.cumsum(scorer.found[own[order]]))
    share = np.append(0.0, np.cumsum(scorer.share[own[order]]))
    high = scorer.best(inside[-1] - inside[at], share[-1] - share[at])
    return float(high.max()), float(scorer.best(inside[at], share[at]).max())


def _numbers(
    simulated: Simulated,
) -> Iterator[tuple[str, str, str, Floats, NDArray[np.int64]]]:
    """Readings and hours since maintenance, with the machine of each unit."""
    frames = simulated.frames
    units = frames["units"]["unit"]
    nobody = np.full(len(units), -1)
    machine = {}
    for operation, own in frames["steps"].groupby("operation"):
        codes, names = pd.factorize(_by_unit(own, "equipment", units))
        machine[str(operation)] = codes
        at = _by_unit(own, "started_at", units)
        hours = _since_maintenance(frames["equipment_events"], at, codes, names)
        yield "age", str(operation), "maintenance", hours, codes
    for (operation, name), values in simulated.columns.items():
        codes = machine.get(operation, nobody)
        yield "parameter", operation, name, values.astype(np.float64), codes


def _since_maintenance(
    events: pd.DataFrame, at: pd.Series, codes: NDArray[np.int64], names: pd.Index
) -> Floats:
    """Hours since the last maintenance of each unit's machine before its step."""
    hours = np.full(len(at), np.nan)
    started = _moments(at)
    for code, name in enumerate(names):
        own = np.flatnonzero(codes == code)
        when = events.loc[events["equipment"] == name, "at"]
        moments = np.sort(_moments(when))
        last = np.searchsorted(moments, started[own], side="right") - 1
        known = last >= 0
        gap = started[own[known]] - moments[last[known]]
        hours[own[known]] = gap / np.timedelta64(1, "h")
    return hours


def _moments(times: pd.Series) -> NDArray[np.datetime64]:
    return times.dt.tz_localize(None).to_numpy().astype("datetime64[ms]")
