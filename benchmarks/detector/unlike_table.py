"""Our training beside YOLOv8n from scratch, on data sets neither has seen.

`python -m benchmarks.detector.unlike_table FOLDER --out ROWS.jsonl`, FOLDER from
`benchmarks.detector.unlike`. Ours is told the path and nothing else; YOLOv8n then
trains for as many seconds as our whole command took. On one GPU they take turns. On
two, YOLO works on the second with one set while ours is already busy with the next on
the first.

Each row is written as soon as it is known, and rows in the file are not made again: the
command can be stopped and repeated.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from benchmarks.detector.unlike_report import markdown
from benchmarks.detector.unlike_tools import (
    OURS,
    YOLO,
    CommandFailed,
    Place,
    Row,
    run_yolo,
    score_ours,
    train_ours,
)


@dataclass
class Rows:
    """What is known, in memory and in a file of JSON lines."""

    path: Path
    deadline: float
    lock: Lock = field(default_factory=Lock)
    known: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path.exists():
            lines = self.path.read_text().splitlines()
            self.known = [json.loads(line) for line in lines]

    def get(self, name: str, tool: str) -> Row | None:
        """The latest row of the tool that did not fail."""
        rows = [r for r in self.known if (r["set"], r["tool"]) == (name, tool)]
        return next((row for row in reversed(rows) if "error" not in row), None)

    def add(self, row: Row) -> None:
        with self.lock:
            self.known.append(row)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
        shown = {key: value for key, value in row.items() if key != "per_class"}
        print(json.dumps(shown), file=sys.stderr, flush=True)

    def late(self, seconds: float = 0.0) -> bool:
        """Whether work of that length is not to be started any more."""
        return time.monotonic() + seconds > self.deadline


def main() -> int:
    args = _arguments()
    rows = Rows(args.out, time.monotonic() + args.limit)
    with tempfile.TemporaryDirectory() as folder:
        places = [_place(args, gpu, Path(folder)) for gpu in args.gpus.split(",")]
        compare(_sets(args.folder, args.only), places, rows)
    table = markdown(rows.known)
    if args.markdown:
        args.markdown.write_text(table)
    print(table)
    return 0


def compare(sets: Sequence[Path], places: Sequence[Place], rows: Rows) -> None:
    """Ours on the first place, YOLO on the last, each with one set at a time."""
    first, last = places[0], places[-1]
    with ThreadPoolExecutor(1) as beside:
        waiting = []
        for data, seconds in _ours(sets, first, rows, alone=first is last):
            waiting.append(beside.submit(_yolo, data, seconds, last, rows))
            if first is last:
                waiting[-1].result()
        for one in waiting:
            one.result()


def _ours(
    sets: Sequence[Path], place: Place, rows: Rows, alone: bool
) -> Iterator[tuple[Path, float]]:
    """Each set with the seconds that our training took.

    `alone`: scored before it is given out; else after, while YOLO is already training.
    """
    for data in sets:
        known = rows.get(data.name, OURS)
        if known:
            yield data, known["seconds"]
        elif not rows.late():
            yield from _train_and_score(data, place, rows, alone)


def _train_and_score(
    data: Path, place: Place, rows: Rows, alone: bool
) -> Iterator[tuple[Path, float]]:
    try:
        folder, row = train_ours(data, place)
        if not alone:
            yield data, row["seconds"]
        rows.add({**row, **score_ours(data, folder, place)})
    except CommandFailed as error:
        rows.add({"set": data.name, "tool": OURS, "error": str(error)})
        return
    if alone:
        yield data, row["seconds"]


def _yolo(data: Path, seconds: float, place: Place, rows: Rows) -> None:
    if rows.get(data.name, YOLO) or rows.late(seconds):
        return
    try:
        rows.add(run_yolo(data, seconds, place))
    except CommandFailed as error:
        rows.add({"set": data.name, "tool": YOLO, "error": str(error)})


def _place(args: argparse.Namespace, gpu: str, work: Path) -> Place:
    return Place(
        gpu="" if gpu == "cpu" else gpu,
        work=work,
        backend=args.backend,
        yolo_python=args.yolo_python,
        options=args.ours.split(),
        imgsz=args.imgsz,
    )


def _sets(folder: Path, only: Sequence[str]) -> list[Path]:
    """Absolute, since the commands may be told of them from anywhere."""
    found = sorted(p.parent for p in folder.resolve().glob("*/train"))
    chosen = [path for path in found if not only or path.name in only]
    missing = set(only) - {path.name for path in chosen}
    if missing or not chosen:
        raise SystemExit(f"{folder} has no set {', '.join(missing)}: draw it first")
    return chosen


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks.detector.unlike_table")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--only", action="append", default=[], help="a set's name")
    parser.add_argument("--gpus", default="0", help="0 or 0,1; or: cpu")
    parser.add_argument("--limit", type=float, default=1e9, help="seconds")
    parser.add_argument("--backend", default="onnxruntime")
    parser.add_argument("--yolo-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--imgsz", type=int, help="YOLO's; default: its own")
    parser.add_argument("--ours", default="", help="more options for our training")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
