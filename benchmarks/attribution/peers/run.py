"""The peers on drawn lines: `python -m benchmarks.attribution.peers.run`.

    python -m benchmarks.attribution.peers.run --family test --runs 5 --out peers.jsonl

One JSON line for each method, seed and kind, with the rank of the truth. What is in the
file already is not run again unless the simulator draws the line otherwise now. Slow
peers come last. Needs `requirements-peers.txt`; set OMP_NUM_THREADS=1 for one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attribution.oracle import detectable
from benchmarks.attribution.peers.answers import Answer, ranks_of
from benchmarks.attribution.peers.table import Table, table_of
from benchmarks.attribution.run import recorded
from benchmarks.attribution.simulator import (
    KINDS,
    Settings,
    Simulated,
    Truth,
    simulate,
)

SILENT = ("hidden", "null")
Answers = dict[str, list[Answer]]
Peer = Callable[[Table, float], Answers]
Json = dict[str, Any]


def _commonality(table: Table, _onset: float) -> Answers:
    from benchmarks.attribution.peers import commonality

    found = commonality.findings(table, pairs=True)
    return {"commonality": commonality.answers(found)}


def _models(name: str, table: Table, _onset: float) -> Answers:
    from benchmarks.attribution.peers import models

    answers: Answers = getattr(models, name)(table)
    return answers


def _scorers(table: Table, onset: float) -> Answers:
    from benchmarks.attribution.peers import scorers
    from benchmarks.attribution.peers.series import series_of

    return scorers.scored(series_of(table, onset))


def _graph_model(table: Table, onset: float) -> Answers:
    from benchmarks.attribution.peers import gcm

    return gcm.graph_model(table, onset)


PEERS: dict[str, Peer] = {
    "commonality": _commonality,
    "scorers": _scorers,
    "shap": partial(_models, "boosting"),
    "forest": partial(_models, "forest"),
    "dowhy": _graph_model,
}
"""By their names on the command line, each importing what it needs; slow ones last."""


def onset_of(truth: Truth, at: np.ndarray) -> float:
    """The true onset, seconds: of the first plant, else when its units first appear.

    A cause that was there from the start has none; the middle is taken.
    """
    starts = [plant.onset for plant in truth.planted if plant.onset]
    if starts:
        return float(min(starts))
    first = float(at[truth.planted[0].exposed].min())
    begun = (first - at.min()) / (at.max() - at.min())
    return first if begun > 0.05 else float((at.min() + at.max()) / 2)


def measure(peer: str, line: Json, simulated: Simulated) -> Iterator[Json]:
    """A JSON line for each of the peer's methods; `line`: what tells the drawn line."""
    table = table_of(simulated.frames, simulated.columns)
    begun = time.perf_counter()
    answered = PEERS[peer](table, onset_of(simulated.truth, table.at))
    seconds = round(time.perf_counter() - begun, 2)
    for method, answers in answered.items():
        ranks = ranks_of(simulated.truth, answers)
        told = {"peer": peer, "method": method, **line}
        yield {**told, "ranks": ranks, "seconds": seconds}


def drawn(asked: argparse.Namespace) -> Iterator[tuple[Json, Simulated]]:
    """The lines asked for, each with what tells it from others."""
    settings = Settings(units=asked.units, lift=asked.lift)
    for seed in range(asked.first, asked.first + asked.runs):
        for kind in asked.kinds:
            simulated = simulate(seed, kind, settings, asked.family)
            line = {
                "seed": seed,
                "kind": kind,
                "family": asked.family,
                "units": settings.units,
                "lift": settings.lift,
                "defects": int(simulated.truth.defective.sum()),
                "detectable": detectable(simulated.truth),
            }
            yield line, simulated


def done(path: Path) -> set[str]:
    """What the file holds already."""
    return {_mark(line["peer"], line) for line in recorded(path)}


def _mark(peer: str, line: Json) -> str:
    keys = ("seed", "kind", "family", "units", "lift", "defects")
    return json.dumps([peer, *(line[key] for key in keys)])


def main() -> None:
    asked = _parser().parse_args()
    known = done(asked.out)
    for peer in (name for name in PEERS if name in asked.peers):
        for line, simulated in drawn(asked):
            if _mark(peer, line) not in known:
                _write(asked.out, list(measure(peer, line, simulated)))


def _write(path: Path, lines: list[Json]) -> None:
    with path.open("a", encoding="utf-8") as out:
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
