"""The command line of training: `train`."""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import fields
from pathlib import Path

from inference_worker.engine.errors import EngineError
from inference_worker.training.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads. Whatever is not given is chosen from the data."""
    usual = Settings(out=Path())
    add = parser.add_argument
    add(
        "--coco",
        dest="data",
        type=Path,
        metavar="FOLDER",
        help="labelled images: COCO, Pascal VOC or YOLO",
    )
    add("--drawn", type=int, default=0, metavar="N", help="N boards of our own drawing")
    add(
        "--planted",
        type=int,
        default=0,
        metavar="N",
        help="N boards with defects drawn onto the folder's templates",
    )
    add(
        "--template",
        action="store_true",
        help="the network sees image and golden template (folder: templates/)",
    )
    add("--out", type=Path, default=Path("var/trained"), help="the version folder")
    add(
        "--from",
        dest="start",
        default="",
        metavar="MODEL",
        help="go on from this model, NAME[@V] or FOLDER; or: nothing",
    )
    add("--replay", type=Path, metavar="FOLDER", help="old data, shown again")
    add("--replay-share", type=float, default=usual.replay_share, metavar="SHARE")
    add("--golden", type=Path, metavar="FOLDER", help="must not get worse")
    add("--accept-drop", action="store_true", help="release though it got worse")
    add("--test", type=Path, metavar="FOLDER", help="measured once, at the end")
    add("--skip-broken", action="store_true", help="leave unusable images out")
    add("--fresh", action="store_true", help="do not go on from a checkpoint")
    add("--epochs", type=positive)
    add("--batch", type=positive)
    add("--size", type=positive, help="long side in pixels")
    add("--minutes", type=float, help="stop training after this time")
    add("--held-share", type=float, metavar="SHARE", help="kept for validation")
    add("--learning-rate", type=float, metavar="RATE")
    add("--seed", type=int, default=usual.seed)
    add("--seeds", type=positive, default=1, metavar="N", help="N trainings at once")
    add("--model", default="", help="name in the manifest")
    add("--version", default="")
    add("--release-seq", type=positive)
    add("--device", default="", help="cuda, cpu; default: what is there")


def positive(text: str) -> int:
    """ValueError for what is not a positive whole number, as argparse wants it."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Train and print the folder written; 1 when something is missing."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    given = {field.name: getattr(args, field.name) for field in fields(Settings)}
    settings = Settings(**given)
    try:
        print(_trained(settings, args.seeds))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("inference_worker"):
            raise
        print(f"{error}; run: pip install -r requirements-train.txt", file=sys.stderr)
        return 1
    except EngineError as error:
        print(f"{error}. {error.hint}", file=sys.stderr)
        return 1
    return 0


def _trained(settings: Settings, seeds: int) -> str:
    if seeds > 1:
        from inference_worker.training.seeds import side_by_side

        return side_by_side(settings, seeds)
    from inference_worker.training import train

    return str(train(settings))
