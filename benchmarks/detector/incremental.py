"""How fast and how well a live model learns a seventh class, and what it forgets.

    python -m benchmarks.detector.incremental FOLDER [--from pcb-defects] [-- TRAINING]

Draws `FOLDER/data` unless it is there (see `seventh`), trains into `FOLDER/out` with
the product's own command in a process of its own, and prints one JSON line. What stands
after `--` goes to that command, such as `--epochs 8 --device cpu`. The clock runs from
the start of the command to its end, reading and export included, drawing left out.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.detector.scratch import SCRATCH
from benchmarks.detector.seventh import GOLDEN, NEW, NEW_TEST, REPLAY, write_folders

BARS = {"new_class_map50": 0.90, "golden_drop": 0.005, "seconds": 120.0}
_GOLDEN = re.compile(r"golden set: mAP@0\.5 (\S+), was (\S+)")


def main() -> int:
    own, more = _halves(sys.argv[1:])
    args = _arguments().parse_args(own)
    data, out = args.folder / "data", args.folder / "out"
    if not (data / REPLAY / "annotations.json").is_file():
        write_folders(data, args.count, args.seed, only_new=args.only_new)
    began = time.monotonic()
    share = args.replay_share
    log = _logged(command(data, args.start, out, share, more))
    row = figures(out, log, views_of(data, out, share)) | {
        "seconds": round(time.monotonic() - began, 1)
    }
    print(json.dumps(row | {"bar_met": bar_met(row)}))
    return 0


def _halves(given: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """What stands before `--`, and after it."""
    at = given.index("--") if "--" in given else len(given)
    return given[:at], given[at + 1 :]


def command(
    data: Path, start: str, out: Path, share: float, more: Sequence[str]
) -> list[str]:
    """The training as a user would call it; a drop is reported, not refused."""
    return [
        *(sys.executable, "-m", "inference_worker.training"),
        *("--coco", str(data / NEW), "--from", start, "--replay", str(data / REPLAY)),
        *("--golden", str(data / GOLDEN), "--test", str(data / NEW_TEST)),
        *("--replay-share", str(share), "--accept-drop", "--fresh"),
        *("--out", str(out), *more),
    ]


def _logged(given: Sequence[str]) -> str:
    """What the command says, shown on stderr as it comes; ends with it if it fails."""
    lines, pipe = [], subprocess.PIPE
    with subprocess.Popen(
        given, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            sys.stderr.write(line)
            lines.append(line)
    if process.returncode:
        sys.exit(f"training ended with {process.returncode}")
    return "".join(lines)


def views_of(data: Path, out: Path, share: float) -> int:
    """Of an epoch: what was not held back once, and old data by its share."""
    content = json.loads((data / NEW / "annotations.json").read_text())
    measured = json.loads((out / "figures.json").read_text())
    held = int(measured["held back"]["images"])
    return round((len(content["images"]) - held) / (1 - share))


def figures(out: Path, log: str, views: int) -> dict[str, Any]:
    """What the finished version folder and the log of its training say."""
    measured = json.loads((out / "figures.json").read_text())
    history = json.loads((out / "history.json").read_text())
    match = _GOLDEN.search(log)
    if match is None:
        sys.exit("the training's log does not say what it did to the golden set")
    after, before = (float(text) for text in match.groups())
    test = measured["test set"]
    return {
        "new_class_map50": test["per_class"][SCRATCH]["ap50"],
        "new_test_map50": test["map50"],
        "golden_before": before,
        "golden_after": after,
        "golden_drop": round(before - after, 4),
        "golden_drop_judging_half": _judged_drop(measured),
        "epochs": len(history),
        "views": len(history) * views,
        "seconds_training": history[-1]["seconds"],
        "device": _device(out),
    }


def _judged_drop(measured: dict[str, Any]) -> float | None:
    """On the golden images that did not choose; None where all of them did."""
    half = "golden set, judging half"
    if half not in measured:
        return None
    return round(measured[f"{half}, before"]["map50"] - measured[half]["map50"], 4)


def _device(out: Path) -> str:
    """From the card's sentence: Training took ... on DEVICE."""
    match = re.search(r"Training took .*? on (.+?)\.\n", (out / "card.md").read_text())
    return match.group(1) if match else "unknown"


def bar_met(row: dict[str, Any]) -> bool:
    """New class found, old ones not forgotten, in time."""
    found = row["new_class_map50"] >= BARS["new_class_map50"]
    kept = row["golden_drop"] <= BARS["golden_drop"]
    return bool(found and kept and row["seconds"] <= BARS["seconds"])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.detector.incremental",
        epilog="After -- stand options of the training.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="start", default="pcb-defects", metavar="MODEL")
    parser.add_argument("--replay-share", type=float, default=0.5, metavar="SHARE")
    parser.add_argument("--count", type=int, default=200, help="images in new/")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--only-new", action="store_true", help="no old defects in new/"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
