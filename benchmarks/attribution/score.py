"""How well an answer fits the truth of a simulated line: one flat record a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.attribution.oracle import detectable, likelihood_ratios
from benchmarks.attribution.simulator import Decoy, Planted, Simulated, Truth

Json = dict[str, Any]
SHOWN = 5
RISK_EDGES = np.linspace(-7.0, 2.0, 37)
"""Logits between which the units of the containment list are counted together."""


@dataclass(frozen=True)
class Answer:
    """The problem of the one defect class, or nothing when none was found."""

    told: tuple[Json, ...]
    sets: tuple[Json, ...]
    unexplained: float

    @classmethod
    def of(cls, said: Json) -> Answer:
        if not said["problems"]:
            return cls((), (), 0.0)
        problem = said["problems"][0]
        told = [*problem["causes"], *problem["chronic"]]
        told.sort(key=lambda cause: -cause["confidence"])
        unexplained = problem.get("unexplained_share", 0.0)
        return cls(tuple(told), tuple(problem["credible_sets"]), unexplained)


def score(simulated: Simulated, said: Json, held: pd.DataFrame) -> Json:
    """The record of a run; `said`: JSON of the analysis, `held`: containment list."""
    truth, answer = simulated.truth, Answer.of(said)
    return {
        "detectable": detectable(truth),
        "llr": [round(ratio, 2) for ratio in likelihood_ratios(truth)],
        "defects": int(truth.defective.sum()),
        "planted": [_told_of(plant) for plant in truth.acting],
        "decoys": [decoy.type for decoy in truth.decoys],
        **_ranked(truth, answer),
        "decoys_above": _decoys_above(truth, answer),
        "causes": [_short(cause, truth) for cause in answer.told[:SHOWN]],
        "sets": [_set(one, truth, answer) for one in answer.sets],
        "found": [_found(simulated, plant, answer) for plant in truth.planted],
        "unexplained": answer.unexplained,
        "held": _held(simulated, held),
    }


def _told_of(plant: Planted) -> Json:
    return {
        "kind": plant.kind,
        "operation": plant.operation,
        "factor": plant.factor,
        "level": plant.level,
        "exposed": int(plant.exposed.sum()),
        "lift": round(plant.lift, 3),
    }


def names_truth(truth: Truth, cause: Json) -> bool:
    """Does the cause name a plant, or an alias of one?"""
    return any(one.matches(cause) for one in (*truth.planted, *aliases(truth)))


def aliases(truth: Truth) -> list[Decoy]:
    return [decoy for decoy in truth.decoys if decoy.type == "alias"]


def _ranked(truth: Truth, answer: Answer) -> Json:
    """Ranks count the causes that name no plant and are at least as sure."""
    top = answer.told[0]["confidence"] if answer.told else 0.0
    ranks = [_rank(truth, plant, answer) for plant in truth.planted]
    known = [rank for rank in ranks if rank is not None]
    best = min(known, default=None)
    return {
        "top_confidence": top,
        "top1": best == 1,
        "top3": best is not None and best <= 3,
        "ranks": ranks,
        "all_first": bool(ranks) and all(rank == 1 for rank in ranks),
    }


def _rank(truth: Truth, plant: Planted, answer: Answer) -> int | None:
    """The worst place that ties allow; None where the plant is not named."""
    also = aliases(truth)
    sure = _surest(answer, [plant, *also])
    if sure is None:
        return None
    return 1 + sum(
        cause["confidence"] >= sure and not names_truth(truth, cause)
        for cause in answer.told
    )


def _surest(answer: Answer, names: Iterable[Planted | Decoy]) -> float | None:
    names = list(names)
    own = [
        cause["confidence"]
        for cause in answer.told
        if any(name.matches(cause) for name in names)
    ]
    return max(own, default=None)


def _decoys_above(truth: Truth, answer: Answer) -> list[str]:
    """Decoys at least as sure as every plant (aliases are no decoys here)."""
    sure = _surest(answer, [*truth.planted, *aliases(truth)]) or 0.0
    return [
        decoy.type
        for decoy in truth.decoys
        if decoy.type != "alias"
        and (_surest(answer, [decoy]) or -1.0) >= max(sure, 0.05)
    ]


def _short(cause: Json, truth: Truth) -> Json:
    keys = ("kind", "operation", "factor", "level", "confidence", "credible_set")
    return {
        **{key: cause[key] for key in keys},
        "true": names_truth(truth, cause),
        "decoy": next((d.type for d in truth.decoys if d.matches(cause)), None),
    }


def _set(one: Json, truth: Truth, answer: Answer) -> Json:
    """Does a credible set hold a plant, and all of the plant's aliases?"""
    own = [cause for cause in answer.told if cause["credible_set"] == one["id"]]
    alias = aliases(truth)
    return {
        "size": len(one["members"]),
        "sure": round(sum(cause["confidence"] for cause in own), 4),
        "holds": any(names_truth(truth, cause) for cause in own),
        "holds_all": all(
            any(name.matches(cause) for cause in own)
            for name in (*truth.planted[:1], *alias)
        ),
        "alias": bool(alias),
        "separate_by": bool(one.get("separate_by")),
    }


def _found(simulated: Simulated, plant: Planted, answer: Answer) -> Json | None:
    """What the answer says of a plant that it names, beside what is true."""
    cause = next((c for c in answer.told if plant.matches(c)), None)
    if cause is None:
        return None
    low, high = cause["attributable_interval"]
    spared = simulated.truth.attributable(plant)
    lower, upper = cause["relative_risk_interval"]
    return {
        "confidence": cause["confidence"],
        "set_size": _set_size(cause, answer),
        "attributable": [cause["attributable_defects"], low, high, spared],
        "attributable_holds": bool(low <= spared <= high),
        "relative_risk": [cause["relative_risk"], lower, upper, plant.lift],
        "onset_error": _onset_error(simulated, plant, cause),
    }


def _set_size(cause: Json, answer: Answer) -> int | None:
    own = [one for one in answer.sets if one["id"] == cause["credible_set"]]
    return len(own[0]["members"]) if own else None


def _onset_error(simulated: Simulated, plant: Planted, cause: Json) -> float | None:
    """Distance of the stated onset from the true one as a share of the series."""
    if plant.onset is None or not cause.get("onset"):
        return None
    stated = pd.Timestamp(cause["onset"]).timestamp()
    completed = simulated.frames["units"]["completed_at"]
    series = (completed.iloc[-1] - completed.iloc[0]).total_seconds()
    return float(abs(stated - plant.onset) / series)


def _held(simulated: Simulated, held: pd.DataFrame) -> list[list[float]]:
    """Units held, by stated risk: count, sums of stated risk, true risk, defects."""
    if not len(held):
        return []
    units = pd.Index(simulated.frames["units"]["unit"])
    place = units.get_indexer(held["unit"])
    stated = np.clip(held["risk"].to_numpy(dtype=float), 1e-6, 1 - 1e-6)
    bins = np.digitize(np.log(stated / (1 - stated)), RISK_EDGES)
    truth = simulated.truth
    table = (
        pd.DataFrame(
            {
                "n": 1.0,
                "stated": stated,
                "true": truth.risk[place],
                "defects": truth.defective[place].astype(float),
            }
        )
        .groupby(bins)
        .sum()
    )
    return [
        [int(k), *map(float, row)]
        for k, row in zip(table.index, table.to_numpy(), strict=True)
    ]
