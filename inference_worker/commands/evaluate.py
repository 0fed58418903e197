"""`evaluate`: how good a model is on labelled images."""

from __future__ import annotations

import argparse
import json
import logging
import os
from pathlib import Path

from inference_worker.commands import models
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.metrics import ClassMetrics, Metrics
from inference_worker.engine.visible import visible
from inference_worker.evaluation import find_all, measure, read_labelled
from inference_worker.progress import shown
from inference_worker.report import write_evaluation_report
from inference_worker.report.page import plotly_script

log = logging.getLogger(__name__)

COLUMNS = (
    "AP@0.33",
    "AP@0.5",
    "AP@0.5:0.95",
    "F@0.33",
    "precision",
    "recall",
    "instances",
    "class",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    models.add_arguments(parser)
    parser.add_argument(
        "--coco",
        required=True,
        type=Path,
        metavar="FOLDER",
        help="a labelled folder as training reads it (COCO, Pascal VOC or YOLO), with"
        " templates/ for a model that wants them",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--report",
        type=page_file,
        metavar="FILE.html",
        help="also write a page with curves, confusions and the worst images",
    )


def run(args: argparse.Namespace) -> int:
    if args.report:
        plotly_script()  # which may be missing: better now than after the work
    detector = models.open_model(args)
    samples = read_labelled(args.coco, detector.classes, detector.wants_templates)
    if not any(len(sample.truth) for sample in samples):
        raise DatasetError(f"{args.coco}: no image has a box to be found")
    found = list(shown(find_all(detector, samples), len(samples), "evaluating"))
    metrics = measure(detector, samples, found)
    print(json.dumps(metrics.as_json()) if args.json else as_text(metrics))
    if args.report:
        log.info(
            "wrote %s", write_evaluation_report(args.report, detector, samples, found)
        )
    return 0


def page_file(text: str) -> Path:
    """Refuse before the work what would fail after it."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r}: give a file such as report.html, in a folder that exists"
        )
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r}: nothing can be written there")
    return path


def as_text(metrics: Metrics) -> str:
    """The whole set, a name and a figure a line; then a table, one class a line."""
    lines = [
        f"mAP@0.33 {metrics.map33:.4f}",
        f"mAP@0.5 {metrics.map50:.4f}",
        f"mAP@0.5:0.95 {metrics.map5095:.4f}",
        f"F@0.33 {metrics.f:.4f}",
        f"threshold {metrics.f_threshold:.4f}",
        f"images {metrics.images}",
        "",
        "  ".join(COLUMNS),
    ]
    lines += [_class_line(name, one) for name, one in metrics.per_class.items()]
    return "\n".join(lines)


def _class_line(name: str, one: ClassMetrics) -> str:
    """The name comes last: Chinese letters are wider than figures."""
    figures = (one.ap33, one.ap50, one.ap5095, one.f, one.precision, one.recall)
    cells = ["-" if value is None else f"{value:.4f}" for value in figures]
    cells.append(str(one.instances))
    padded = [
        f"{cell:>{len(head)}}" for cell, head in zip(cells, COLUMNS, strict=False)
    ]
    return "  ".join([*padded, visible(name)])
