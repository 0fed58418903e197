"""Writes `docs/benchmarks/attribution.md` and its plots from a folder of results.

    python -m benchmarks.attribution.report RESULTS_FOLDER

The folder holds the JSON lines of `run`, `peers.run` and `speed`, in files of any name.
Needs `requirements-peers.txt` for the plots.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.attribution import bars, beside, plots, sections
from benchmarks.attribution.results import (
    LIFT,
    PLANTED,
    Json,
    Results,
    calibration_bins,
    clear,
)
from benchmarks.attribution.summary import expected_error

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "docs" / "benchmarks"
FEWEST = 100
"""Runs that a calibration curve needs."""


def head(family: str, commit: str, cores: int, python: str) -> str:
    return f"""# Root-cause attribution, measured

Written by `python -m benchmarks.attribution.report` from the runs in its results
folder; nobody edits figures here. Family of lines: **{family}**, drawn in another style
than the development family; some of it was looked at while the rules were made, though
with other seeds than these. Commit {commit}, Python {python}, {cores} cores."""


def how() -> str:
    return """## Again

```
alias run='python -m benchmarks.attribution.run --family test --processes 2'
run --lift 5 --runs 30 --oracle --out R/five.jsonl
run --lift 5 --runs 500 --kinds null hidden --out R/quiet.jsonl
run --lift 3 --runs 30 --oracle --out R/three.jsonl
run --lift log --runs 100 --first 1000 --out R/drawn.jsonl
python -m benchmarks.attribution.speed --out R/speed.jsonl
```

and in the environment of `benchmarks/attribution/requirements-peers.txt`

```
python -m benchmarks.attribution.peers.run --family test --runs 6 --out R/peers.jsonl
python -m benchmarks.attribution.report R
```

All of them go on where they stopped when they are called again."""


def write_report(results: Results, folder: Path, family: str) -> Path:
    """The page and its plots; what has no runs yet is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        head(family, commit(), cores(), platform.python_version()),
        bars.bars(results),
        sections.by_kind(results),
        *_peers(results, folder),
        sections.weak_causes(results),
        sections.silence(results),
        *_calibration(results, folder),
        sections.statements(results),
        *_speed(results, folder),
        how(),
    ]
    page = folder / "attribution.md"
    page.write_text("\n\n".join(filter(None, parts)) + "\n", encoding="utf-8")
    return page


def _peers(results: Results, folder: Path) -> Iterable[str]:
    ours, said = results.beside(clear(results.at_lift(LIFT)))
    if not ours:
        return
    shares = beside.method_shares(ours, said)
    title = f"Share of {len(ours)} lines with the cause ranked first"
    plots.draw_by_kind(folder / "top1.svg", shares, (*PLANTED, "all"), title)
    yield beside.peers(ours, said)
    yield "![Top-1 by method and kind](top1.svg)"


def _calibration(results: Results, folder: Path) -> Iterable[str]:
    runs = results.at_lift(None)
    if len(runs) < FEWEST:
        return
    bins = calibration_bins(runs)
    plots.draw_calibration(folder / "calibration.svg", bins, expected_error(bins))
    yield sections.calibration_table(runs, bins)
    yield "![Stated confidence and share right](calibration.svg)"


def _speed(results: Results, folder: Path) -> Iterable[str]:
    fine = [line for line in results.speed if line["code"] == 0]
    if not fine:
        return
    panels = {
        "units (200 parameters, 20 categorical factors)": _lines(fine, "units"),
        "parameters (100,000 units)": _lines(fine, "parameters"),
    }
    plots.draw_time(folder / "time.svg", {k: v for k, v in panels.items() if v})
    yield beside.speed(results.speed)
    yield "![Seconds by size](time.svg)"


def _lines(lines: Sequence[Json], over: str) -> dict[str, list[tuple[float, float]]]:
    """Seconds by size and method, where the other size stays what most lines have."""
    other = "parameters" if over == "units" else "units"
    fixed = 200 if other == "parameters" else 100_000
    found: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        if line[other] == fixed:
            found.setdefault(line["method"], []).append((line[over], line["seconds"]))
    return {method: own for method, own in found.items() if len(own) > 1}


def commit() -> str:
    """Of the working copy; with a mark where files differ from it."""
    named = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return named.stdout.strip()


def cores() -> int:
    return len(os.sched_getaffinity(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, metavar="RESULTS_FOLDER")
    parser.add_argument("--family", default="test")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    results = Results.read(asked.results, asked.family)
    print(write_report(results, asked.folder, asked.family))


if __name__ == "__main__":
    main()
