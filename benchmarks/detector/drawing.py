"""What each ingredient of the drawn boards buys on photos of real ones.

Leave one out: for every ingredient boards are drawn without it, the same short recipe
is trained on them alone, and the network is measured on a labelled folder that no
training here has seen. Results are JSON lines; `--table` turns them into Markdown.

    python -m benchmarks.detector.drawing FOLDER --at-once 4 --gpus 0,1 --limit 400
    python -m benchmarks.detector.drawing --table drawing.jsonl
    python -m benchmarks.detector.drawing FOLDER --cpu-smoke
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.detector.drawing_table import table
from traceability.demo.boards.ingredients import ALL, NAMES, SCANNER_ONLY, Ingredients

SMOKE = {
    "boards": 16,
    "size": 128,
    "epochs": 1,
    "images": 8,
    "gpus": [""],
    "only": ["all", "scanner only"],
}
_HERE = "benchmarks.detector.drawing"


def ingredients_of(variant: str) -> Ingredients:
    """`all`, `scanner only`, or `without NAME`."""
    if variant == "all":
        return ALL
    if variant == "scanner only":
        return SCANNER_ONLY
    return ALL.without(variant.removeprefix("without "))


def variants(template: bool) -> list[str]:
    """The whole study; wear of the template matters to those alone who see it."""
    names = [name for name in NAMES if template or name != "template_wear"]
    return ["all", "scanner only", *(f"without {name}" for name in names)]


def main() -> None:
    args = _arguments().parse_args()
    if args.cpu_smoke:
        vars(args).update(SMOKE)
    if args.table:
        print(table(read(args.table)))
    elif args.folder is None:
        sys.exit("give the labelled folder to measure on, or --table RESULTS")
    elif args.variant:
        from benchmarks.detector.drawing_run import measured

        print(json.dumps(measured(args, ingredients_of(args.variant))))
    else:
        study(args)


def study(args: argparse.Namespace) -> None:
    """Run what is not in the results yet, several at once; a line as each ends."""
    known = read(args.out) if args.out.exists() else []
    done = {(row["variant"], row["seed"]) for row in known}
    waiting = [
        (variant, seed)
        for seed in args.seeds
        for variant in args.only or variants(args.template)
        if (variant, seed) not in done
    ]
    began, number = time.monotonic(), 0
    running: dict[subprocess.Popen[str], tuple[str, int]] = {}
    while waiting or running:
        in_time = time.monotonic() - began < args.limit
        while waiting and in_time and len(running) < args.at_once:
            job = waiting.pop(0)
            running[_started(args, *job, number)] = job
            number += 1
        if not running:
            break
        time.sleep(0.2)
        for process in [one for one in running if one.poll() is not None]:
            _collect(process, running.pop(process), args.out)
    for variant, seed in waiting:
        print(f"not started in time: {variant}, seed {seed}", file=sys.stderr)


def _started(
    args: argparse.Namespace, variant: str, seed: int, number: int
) -> subprocess.Popen[str]:
    given = [str(args.folder), "--variant", variant, "--seeds", str(seed)]
    for name in ("boards", "size", "epochs", "batch", "images", "at_once"):
        given += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    given += ["--template"] if args.template else []
    environment = dict(os.environ)
    if args.gpus:
        environment["CUDA_VISIBLE_DEVICES"] = args.gpus[number % len(args.gpus)]
    return subprocess.Popen(
        [sys.executable, "-m", _HERE, *given],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def _collect(
    process: subprocess.Popen[str], job: tuple[str, int], results: Path
) -> None:
    """Keep the line of a variant that went through, and say so of one that failed."""
    lines = process.communicate()[0].splitlines()
    if process.returncode or not lines:
        print(f"{job}: ended with {process.returncode}", file=sys.stderr)
        return
    with results.open("a") as file:
        file.write(lines[-1] + "\n")
    row = json.loads(lines[-1])
    print(f"{row['variant']:24} seed {row['seed']}: mAP@0.33 {row['map33']:.4f}")


def read(results: Path) -> list[dict[str, Any]]:
    """The rows of a results file."""
    return [json.loads(line) for line in results.read_text().splitlines() if line]


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {_HERE}", description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", help="COCO folder to measure on"
    )
    parser.add_argument("--boards", type=int, default=2000, help="drawn per variant")
    parser.add_argument("--size", type=int, default=640, help="pixels")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--images", type=int, default=0, help="measure on so many only")
    parser.add_argument("--seeds", type=_numbers, default=[0], metavar="0,1")
    parser.add_argument("--template", action="store_true", help="network sees both")
    parser.add_argument("--at-once", type=int, default=1, help="variants side by side")
    parser.add_argument("--gpus", type=_names, default=[], metavar="0,1")
    parser.add_argument("--limit", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("--only", type=_names, default=[], metavar="VARIANT,VARIANT")
    parser.add_argument("--out", type=Path, default=Path("drawing.jsonl"))
    parser.add_argument("--table", type=Path, metavar="RESULTS")
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    parser.add_argument("--cpu-smoke", action="store_true", help="prove that it runs")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> list[int]:
    return [int(name) for name in _names(text)]


if __name__ == "__main__":
    main()
