"""Our training tool and YOLOv8n as commands: each gives a row of the comparison."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OURS, YOLO = "ours", "yolov8n"
FIGURES = ("map33", "map50", "map5095", "per_class")
TAIL = 3000
"""Characters of a failed command's own words that are kept."""

Row = dict[str, Any]


class CommandFailed(Exception):
    """Holds the end of what the command said."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tool may work: a GPU's number (empty: the CPU), an empty folder."""

    gpu: str
    work: Path
    backend: str = "onnxruntime"
    yolo_python: str = sys.executable
    options: Sequence[str] = ()
    """More words for our training; the comparison itself gives none."""

    imgsz: int | None = None


def train_ours(data: Path, place: Place) -> tuple[Path, Row]:
    """The version folder, and the row without its figures.

    `seconds` is the whole command: start, reading the images, training, export. The
    path of the data is all it is told.
    """
    out = place.work / f"{data.name}-{OURS}"
    command = [sys.executable, "-m", "inference_worker.training"]
    command += ["--coco", str(data / "train"), "--out", str(out)]
    command += [*place.options, *([] if place.gpu else ["--device", "cpu"])]
    started = time.monotonic()
    folder = Path(_run(command, place).splitlines()[-1])
    seconds = time.monotonic() - started
    row: Row = {"set": data.name, "tool": OURS, "seconds": round(seconds, 1)}
    row["epochs"] = _epochs(folder / "card.md")
    return folder, {**row, "parameters": _parameters(folder / "model.onnx")}


def score_ours(data: Path, folder: Path, place: Place) -> Row:
    """The figures of a version folder on the test part, by the product's own path."""
    command = [sys.executable, "-m", "inference_worker", "evaluate", "--json"]
    command += ["--model", str(folder), "--coco", str(data / "test")]
    command += ["--backend", place.backend]
    found = json.loads(_run(command, place).splitlines()[-1])
    row = {key: found[key] for key in FIGURES}
    row["per_class"] = {name: one["ap50"] for name, one in found["per_class"].items()}
    return row


def run_yolo(data: Path, seconds: float, place: Place) -> Row:
    """Its whole row; the seconds are its training loop's alone, set-up excluded."""
    command = [place.yolo_python, "-m", "benchmarks.detector.yolo"]
    command += ["--train", str(data / "train"), "--test", str(data / "test")]
    command += ["--seconds", str(seconds), "--device", "0" if place.gpu else "cpu"]
    command += ["--imgsz", str(place.imgsz)] if place.imgsz else []
    row: Row = json.loads(_run(command, place).splitlines()[-1])
    return {**row, "set": data.name}


def _run(command: Sequence[str], place: Place) -> str:
    """What it printed to stdout; both streams are kept in the work folder."""
    log = place.work / f"{int(time.time() * 1000)}.log"
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": place.gpu}
    with log.open("w") as stderr:
        done = subprocess.run(command, env=env, stdout=-1, stderr=stderr, text=True)
    if done.returncode or not done.stdout.strip():
        said = log.read_text()[-TAIL:] + done.stdout[-TAIL:]
        raise CommandFailed(f"{' '.join(command)} ended {done.returncode}:\n{said}")
    return done.stdout


def _epochs(card: Path) -> str:
    """As the model card tells it; empty where it does not."""
    found = re.search(r"^\| epochs \| (.+?) \|$", card.read_text(), re.MULTILINE)
    return found[1] if found else ""


def _parameters(model: Path) -> int:
    """Numbers that the exported network holds; 0 where onnx is not installed."""
    try:
        import onnx
    except ImportError:
        return 0
    weights = onnx.load(model).graph.initializer
    return sum(_product(w.dims) for w in weights if w.data_type == 1)


def _product(dims: Sequence[int]) -> int:
    total = 1
    for one in dims:
        total *= one
    return total
