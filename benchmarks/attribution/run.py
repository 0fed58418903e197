"""Analyses simulated lines with a known cause: one JSON line a run.

    python -m benchmarks.attribution.run --family development --runs 20 --out FILE.jsonl

A run that is in the file already is not done again. `summary` makes tables of it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.attribution.simulator import DECOYS, KINDS, STYLES, Settings, simulate

Json = dict[str, Any]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Run:
    """One line to simulate and to analyse."""

    family: str
    kind: str
    seed: int
    settings: Settings
    with_oracle: bool

    @property
    def key(self) -> Json:
        """What tells it from other runs in a file."""
        settings = json.loads(json.dumps(asdict(self.settings)))
        return {
            "family": self.family,
            "kind": self.kind,
            "seed": self.seed,
            "settings": settings,
        }


def measured(run: Run) -> Json:
    """The record of a run; a crash of the analysis is a record too."""
    from analytics.core.analyse import analyse
    from analytics.core.frames import Bundle
    from benchmarks.attribution.oracle import oracle_first
    from benchmarks.attribution.score import score

    simulated = simulate(run.seed, run.kind, run.settings, run.family)
    begun = time.process_time()
    try:
        found = analyse(Bundle.of(simulated.frames, simulated.columns))
        said = found.to_json()
    except Exception:
        return {**run.key, "error": traceback.format_exc(limit=-4)}
    seconds = round(time.process_time() - begun, 3)
    record = {**run.key, **score(simulated, said, found.held), "seconds": seconds}
    if run.with_oracle and simulated.truth.planted:
        record["oracle_first"] = oracle_first(simulated)
    return record


def recorded(path: Path) -> list[Json]:
    """The runs of a file; the last line may have been cut off."""
    if not path.is_file():
        return []
    return list(_lines(path))


def _lines(path: Path) -> Iterator[Json]:
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def missing(runs: list[Run], path: Path) -> list[Run]:
    """The runs that are not in the file without an error."""
    done = {_mark(record) for record in recorded(path) if "error" not in record}
    return [run for run in runs if _mark(run.key) not in done]


def _mark(record: Json) -> str:
    keys = ("family", "kind", "seed", "settings")
    return json.dumps([record[key] for key in keys], sort_keys=True)


def carry_out(runs: list[Run], path: Path, processes: int) -> None:
    """Do the runs and append their records; one thread a process."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, fresh) as pool, path.open("a") as out:
        for future in as_completed([pool.submit(measured, run) for run in runs]):
            out.write(json.dumps(future.result()) + "\n")
            out.flush()


def asked_runs(asked: argparse.Namespace) -> list[Run]:
    settings = Settings(
        units=asked.units,
        parameters=asked.parameters,
        lift=None if asked.lift == "log" else float(asked.lift),
        overdispersion=asked.overdispersion,
        decoys=None if asked.decoys is None else tuple(asked.decoys),
    )
    seeds = range(asked.first, asked.first + asked.runs)
    return [
        Run(asked.family, kind, seed, settings, asked.oracle)
        for seed in seeds
        for kind in asked.kinds
    ]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument("--family", default="development", choices=STYLES)
    made.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    made.add_argument("--runs", type=int, default=20, help="seeds of each kind")
    made.add_argument("--first", type=int, default=0, help="the first seed")
    made.add_argument("--lift", default="5", help='a relative risk, or "log"')
    made.add_argument("--units", type=int, default=8000)
    made.add_argument("--parameters", type=int, default=100)
    made.add_argument("--overdispersion", type=float, default=0.3)
    made.add_argument("--decoys", nargs="*", choices=DECOYS, help="default: drawn")
    made.add_argument("--oracle", action="store_true", help="rank by the oracle too")
    made.add_argument("--processes", type=int, default=1)
    made.add_argument("--out", type=Path, required=True)
    return made


def main() -> None:
    asked = parser().parse_args()
    todo = missing(asked_runs(asked), asked.out)
    print(f"{len(todo)} runs to do")
    carry_out(todo, asked.out, asked.processes)


if __name__ == "__main__":
    main()
