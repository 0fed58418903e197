"""The runs in a folder of results, sorted into what the report asks about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attribution.run import recorded
from benchmarks.attribution.simulator import KINDS
from benchmarks.attribution.summary import (
    LOUD,
    SILENT,
    calibration,
    statement,
    wilson_lower,
)

Json = dict[str, Any]
LIFT, WEAK = 5.0, 3.0
HALF = (0.2, 0.9)
PLANTED = tuple(kind for kind in KINDS if kind not in SILENT)


@dataclass(frozen=True)
class Results:
    """`ours`: runs of the analysis without errors; `peers` and `speed` as written.

    `errors`: runs of the analysis that crashed.
    """

    ours: list[Json]
    peers: list[Json]
    speed: list[Json]
    errors: int

    @classmethod
    def read(cls, folder: Path, family: str) -> Results:
        """All JSONL files of the folder; runs of one family only."""
        lines = [
            line for path in sorted(folder.glob("*.jsonl")) for line in lines_of(path)
        ]
        own = [line for line in lines if line.get("family") == family]
        runs = [line for line in own if "settings" in line]
        fine = [run for run in runs if "error" not in run]
        return cls(
            ours=list({key_of(run): run for run in fine}.values()),
            peers=[line for line in own if "peer" in line],
            speed=[line for line in lines if "peak_mb" in line],
            errors=len({key_of(run) for run in runs} - {key_of(run) for run in fine}),
        )

    def at_lift(self, lift: float | None) -> list[Json]:
        """Runs at one lift; None: where it was drawn."""
        return [run for run in self.ours if run["settings"]["lift"] == lift]

    def beside(self, runs: Iterable[Json]) -> tuple[list[Json], list[Json]]:
        """Runs that peers saw too, the very same lines, and what peers said of them."""
        known = {(run["seed"], run["kind"], run["defects"]): run for run in runs}
        said = [
            li for li in self.peers if (li["seed"], li["kind"], li["defects"]) in known
        ]
        seen = {(li["seed"], li["kind"], li["defects"]) for li in said}
        return [run for key, run in known.items() if key in seen], said


def lines_of(path: Path) -> Iterator[Json]:
    """Its whole lines; the last one may have been cut off."""
    return iter(recorded(path))


def key_of(run: Json) -> str:
    return json.dumps([run["kind"], run["seed"], run["settings"]], sort_keys=True)


def clear(runs: Iterable[Json]) -> list[Json]:
    """Those with a recorded cause that can be seen at all."""
    return [run for run in runs if run["detectable"] and run["kind"] in PLANTED]


def of_kind(runs: Iterable[Json], kind: str) -> list[Json]:
    return [run for run in runs if run["kind"] == kind]


def first(line: Json, within: int = 1) -> bool:
    """Is a plant among the first `within` answers?"""
    return any(rank is not None and rank <= within for rank in line["ranks"])


def share(flags: Iterable[bool]) -> float:
    values = list(flags)
    return float(np.mean(values)) if values else float("nan")


def loud(run: Json) -> bool:
    return bool(run["top_confidence"] >= LOUD)


def sets_of(runs: Iterable[Json]) -> list[Json]:
    return [one for run in runs for one in run["sets"]]


def found_in(runs: Iterable[Json]) -> list[Json]:
    """What was said of every plant that was named."""
    return [one for run in runs for one in run["found"] if one is not None]


def onset_errors(runs: Iterable[Json]) -> list[float]:
    errors = [one["onset_error"] for one in found_in(runs)]
    return [error for error in errors if error is not None]


def coverage(sets: Sequence[Json]) -> tuple[float, float]:
    """Share of the credible sets that hold a plant, and its lower 95 % bound."""
    holds = sum(one["holds"] for one in sets)
    return (holds / len(sets) if sets else float("nan")), wilson_lower(holds, len(sets))


def calibration_bins(runs: Sequence[Json]) -> np.ndarray:
    """Ten bins of equal mass: count, mean stated, share right, and its 95 % ends."""
    said = [statement(run) for run in runs]
    bins = calibration([sure for sure, _ in said], [right for _, right in said])
    ends = [_wilson(round(right * n), int(n)) for n, _, right in bins]
    return np.column_stack([bins, ends])


def _wilson(hits: int, n: int) -> tuple[float, float]:
    return wilson_lower(hits, n), 1.0 - wilson_lower(n - hits, n)


def between(runs: Iterable[Json]) -> float:
    """Share of the statements that are neither sure nor sure of the contrary."""
    return share(HALF[0] <= statement(run)[0] <= HALF[1] for run in runs)
