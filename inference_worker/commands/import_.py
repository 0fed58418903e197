"""`import`: make a version folder out of somebody else's detector."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from inference_worker.commands.arguments import (
    amount,
    in_millionths,
    in_millionths_or_one,
)
from inference_worker.engine.api import data_folder
from inference_worker.engine.precision import hinted
from inference_worker.importing.conversion import PATIENCE_SECONDS, Wishes
from inference_worker.importing.errors import FamilyUnclear
from inference_worker.importing.families import FAMILIES
from inference_worker.importing.importer import import_model

FOLDER = "imported"
"""Where version folders go in the data folder, unless --out is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="an ONNX file")
    add("--name", required=True, help="of the model: a-z, 0-9, '.', '_' and '-'")
    add("--version", help="default: the one after the latest adopted")
    add("--family", choices=sorted(FAMILIES), help="default: recognised")
    add(
        "--classes",
        metavar="A,B,C|FILE",
        help="names in the order of the network's scores, - for one that is no class",
    )
    add("--size", metavar="N|HxW", help="canvas, where the file leaves it open")
    add("--threshold", type=in_millionths, metavar="SCORE", help="of a defect")
    add(
        "--iou",
        type=in_millionths_or_one,
        metavar="IOU",
        help="from which boxes are doubles; 1: none",
    )
    add("--coco", type=Path, metavar="FOLDER", help="labelled images to measure it on")
    add(
        "--patience",
        type=amount(1, 3600),
        metavar="SECONDS",
        default=PATIENCE_SECONDS,
        help="how long trying it may take (default: %(default)g)",
    )
    add("--out", type=Path, metavar="FOLDER", help="gets NAME/VERSION/")


def run(args: argparse.Namespace) -> int:
    """Prints the folder written."""
    hinted()  # what a backend would be refused for is no fault of the file
    data = data_folder()
    wishes = Wishes(
        file=args.file,
        name=args.name,
        out=args.out or data / FOLDER,
        data=data,
        version=args.version,
        family=args.family,
        classes=args.classes,
        size=args.size,
        threshold=args.threshold,
        nms_iou=args.iou,
        coco=args.coco,
        patience=args.patience,
    )
    print(import_model(wishes, _ask))
    return 0


def _ask(unclear: FamilyUnclear) -> str:
    """On a terminal the user chooses; elsewhere it is an error with the candidates."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise unclear
    print(unclear, file=sys.stderr)
    for number, key in enumerate(unclear.candidates, 1):
        print(f"  {number}  {key}: {FAMILIES[key].title}", file=sys.stderr)
    print("Which is it? ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    if answer in unclear.candidates:
        return answer
    if answer.isdecimal() and 1 <= int(answer) <= len(unclear.candidates):
        return unclear.candidates[int(answer) - 1]
    raise unclear
