"""Does every factory that a seed can draw give its causes away?

    python -m benchmarks.demo.seeds                  100 seeds from the drawn truth
    python -m benchmarks.demo.seeds --photos 10      10 seeds through `manage.py demo`

From the drawn truth the analysis sees the defects as they were drawn. With photos they
are what the detector found on them. A table goes to stdout, all figures to `--json`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from analytics.core.analyse import analyse
from analytics.core.frames import Bundle
from benchmarks.demo.summary import summary
from traceability.demo.factory import LINES
from traceability.demo.plan import plan_factory
from traceability.demo.player.answers import report

PROCESSES = 2
REPOSITORY = Path(__file__).resolve().parents[2]
Row = dict[str, Any]


def from_truth(seed: int) -> Row:
    """Analyse both lines of one factory with the defects as they were drawn."""
    plan = plan_factory(seed, datetime.now(UTC).date())
    started = time.perf_counter()
    problems = [
        dict(problem) | {"line": line.code}
        for line in LINES
        for problem in analyse(Bundle.of(plan.of_line(line.code))).to_json()["problems"]
    ]
    return {
        "seed": seed,
        "seconds": time.perf_counter() - started,
        **report(problems, plan.truth),
    }


def from_photos(seed: int, port: int) -> Row:
    """Run the whole demo in a folder of its own and read what it left there."""
    with tempfile.TemporaryDirectory(prefix="causeline-seeds-") as folder:
        command = ["manage.py", "demo", "--no-serve", "--seed", seed, "--port", port]
        done = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=REPOSITORY,
            env=os.environ | {"CAUSELINE_DATA": folder},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        answer = Path(folder) / "demo" / "answer.json"
        if not answer.exists():
            raise SystemExit(f"Seed {seed} ended with {done.returncode}: no answer.")
        return {"seed": seed, **json.loads(answer.read_text(encoding="utf-8"))}


def table_of(rows: Sequence[Row], title: str) -> Table:
    table = Table(title=title)
    for heading in ("", "share", "of"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, (count, total) in summary(rows).items():
        share = f"{count / total:.3f}" if total else "-"
        table.add_row(name, share, f"{count} / {total}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--photos", type=int, default=0, metavar="K")
    parser.add_argument("--port", type=int, default=8750)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    errors = Console(stderr=True)
    if options.photos:
        seeds = range(options.first, options.first + options.photos)
        each = map(partial(from_photos, port=options.port), seeds)
        rows = list(track(each, "Demos", total=len(seeds), console=errors))
    else:
        seeds = range(options.first, options.first + options.seeds)
        with ProcessPoolExecutor(PROCESSES) as pool:
            each = pool.map(from_truth, seeds)
            rows = list(track(each, "Factories", total=len(seeds), console=errors))
    source = "photos" if options.photos else "the drawn truth"
    Console().print(table_of(rows, f"{len(rows)} factories from {source}"))
    for row in rows:
        for plant in row["plants"]:
            if not plant["first"] or plant["confidence"] < 0.8:
                print(f"seed {row['seed']}: {plant}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
