"""The peers on drawn lines: `python -m benchmarks.attribution.peers.run`.

    python -m benchmarks.attribution.peers.run --family test --runs 5 --out peers.jsonl

One JSON line for each peer, seed and kind, with the rank of the truth; what is in the
file already is not run again. Slow peers come last. Needs `requirements-peers.txt`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attribution.oracle import detectable
from benchmarks.attribution.peers.answers import Answer, ranks_of
from benchmarks.attribution.peers.table import Table, table_of
from benchmarks.attribution.simulator import KINDS, Settings, simulate

SILENT = ("hidden", "null")
Answers = dict[str, list[Answer]]
Peer = Callable[[Table, float], Answers]
Case = tuple[int, str]


def _commonality(table: Table, _onset: float) -> Answers:
    from benchmarks.attribution.peers import commonality

    found = commonality.findings(table, pairs=True)
    return {"commonality": commonality.answers(found)}


def _models(name: str, table: Table, _onset: float) -> Answers:
    from benchmarks.attribution.peers import models

    answers: Answers = getattr(models, name)(table)
    return answers


def _scorer(name: str, table: Table, onset: float) -> Answers:
    from benchmarks.attribution.peers import scorers
    from benchmarks.attribution.peers.series import series_of

    answers: Answers = getattr(scorers, name)(series_of(table, onset))
    return answers


def _graph_model(table: Table, onset: float) -> Answers:
    from benchmarks.attribution.peers import gcm

    return gcm.graph_model(table, onset)


PEERS: dict[str, Peer] = {
    "commonality": _commonality,
    "baro": partial(_scorer, "baro"),
    "ht": partial(_scorer, "hypothesis_testing"),
    "epsilon": partial(_scorer, "epsilon_diagnosis"),
    "shap": partial(_models, "boosting"),
    "forest": partial(_models, "forest"),
    "dowhy": _graph_model,
}
"""By their names on the command line, each importing what it needs; slow ones last."""


def onset_of(truth: Any, at: np.ndarray) -> float:
    """The true onset, seconds: of the first plant, else when its units first appear.

    A cause that was there from the start has none; the middle is taken.
    """
    starts = [plant.onset for plant in truth.planted if plant.onset]
    if starts:
        return float(min(starts))
    first = float(at[truth.planted[0].exposed].min())
    begun = (first - at.min()) / (at.max() - at.min())
    return first if begun > 0.05 else float((at.min() + at.max()) / 2)


def measure(peer: str, case: Case, settings: Settings, family: str) -> Iterator[dict]:
    """One line for each of the peer's methods."""
    seed, kind = case
    simulated = simulate(seed, kind, settings, family)
    table = table_of(simulated.frames, simulated.columns)
    begun = time.perf_counter()
    answered = PEERS[peer](table, onset_of(simulated.truth, table.at))
    seconds = time.perf_counter() - begun
    for method, answers in answered.items():
        yield {
            "peer": peer,
            "method": method,
            "seed": seed,
            "kind": kind,
            "family": family,
            "units": settings.units,
            "lift": settings.lift,
            "defects": int(simulated.truth.defective.sum()),
            "detectable": detectable(simulated.truth),
            "ranks": ranks_of(simulated.truth, answers),
            "seconds": round(seconds, 2),
        }


def done(path: Path) -> set[tuple[str, int, str]]:
    """What the file holds already."""
    if not path.exists():
        return set()
    lines: list[Mapping[str, Any]] = [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return {(line["peer"], line["seed"], line["kind"]) for line in lines}


def main() -> None:
    asked = _parser().parse_args()
    settings = Settings(units=asked.units, lift=asked.lift)
    cases = [
        (seed, kind)
        for seed in range(asked.first, asked.first + asked.runs)
        for kind in asked.kinds
    ]
    known = done(asked.out)
    for peer in (name for name in PEERS if name in asked.peers):
        for case in cases:
            if (peer, *case) in known:
                continue
            lines = list(measure(peer, case, settings, asked.family))
            with asked.out.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps(line) + "\n" for line in lines)
            for line in lines:
                print(*line.values(), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    planted = [kind for kind in KINDS if kind not in SILENT]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="test")
    parser.add_argument("--runs", type=int, default=5, help="seeds for each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kinds", nargs="+", default=planted, choices=planted)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--units", type=int, default=8000)
    parser.add_argument("--lift", type=float, default=5.0)
    parser.add_argument("--out", type=Path, required=True)
    return parser


if __name__ == "__main__":
    main()
