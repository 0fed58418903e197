"""The command line of training: `train`."""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import fields
from pathlib import Path

from inference_worker.commands.arguments import above_zero, amount, share, whole
from inference_worker.engine.errors import EngineError
from inference_worker.training.settings import Settings

Group = argparse._ArgumentGroup
POSITIVE = whole(1)
_USUAL = Settings(out=Path())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads. Whatever is not given is chosen from the data."""
    _add_data(parser.add_argument_group("what to learn from"))
    _add_beginning(parser.add_argument_group("a model that goes on"))
    _add_course(parser.add_argument_group("how to train"))
    _add_result(parser.add_argument_group("what comes out"))


def _add_data(group: Group) -> None:
    add = group.add_argument
    add(
        "--coco",
        dest="data",
        type=Path,
        metavar="FOLDER",
        help="labelled images: COCO, Pascal VOC or YOLO",
    )
    add("--drawn", type=POSITIVE, default=0, metavar="N", help="N boards of our own")
    add(
        "--planted",
        type=POSITIVE,
        default=0,
        metavar="N",
        help="N boards with defects drawn onto the folder's templates",
    )
    add(
        "--template",
        action="store_true",
        help="the network sees image and golden template (folder: templates/)",
    )
    add("--skip-broken", action="store_true", help="leave unusable images out")
    held = group.add_mutually_exclusive_group()
    held.add_argument("--held", type=Path, metavar="FOLDER", help="validated on")
    held.add_argument(
        "--held-share", type=share, metavar="SHARE", help="kept for validation"
    )
    add("--test", type=Path, metavar="FOLDER", help="measured once, at the end")


def _add_beginning(group: Group) -> None:
    add = group.add_argument
    add(
        "--from",
        dest="start",
        default="",
        metavar="MODEL",
        help="go on from this model, NAME[@V] or FOLDER; or: nothing",
    )
    add("--replay", type=Path, metavar="FOLDER", help="old data, shown again")
    add("--replay-share", type=share, default=_USUAL.replay_share, metavar="SHARE")
    add("--golden", type=Path, metavar="FOLDER", help="must not get worse")
    add("--accept-drop", action="store_true", help="release though it got worse")


def _add_course(group: Group) -> None:
    add = group.add_argument
    add("--epochs", type=POSITIVE)
    add("--batch", type=POSITIVE)
    add("--size", type=POSITIVE, help="long side in pixels")
    add("--learning-rate", type=above_zero, metavar="RATE")
    add("--minutes", type=above_zero, help="train for this time at most")
    add("--no-turn", action="store_true", help="views are never turned")
    add("--no-mirror", action="store_true", help="views are never mirrored")
    add("--seed", type=whole(0), default=_USUAL.seed)
    add("--seeds", type=POSITIVE, default=1, metavar="N", help="N trainings at once")
    add("--device", default="", help="cuda, cuda:1, cpu; default: what is there")
    add("--fresh", action="store_true", help="do not go on from a checkpoint")
    add(
        "--checkpoint-seconds",
        type=amount(0),
        default=_USUAL.checkpoint_seconds,
        metavar="S",
        help="between two checkpoints",
    )


def _add_result(group: Group) -> None:
    add = group.add_argument
    add("--out", type=Path, default=Path("var/trained"), help="the version folder")
    add("--model", default="", help="name in the manifest")
    add("--version", default="")
    add("--release-seq", type=POSITIVE)


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
    except (EngineError, OSError, MemoryError) as error:
        print(f"{error}. {getattr(error, 'hint', '')}".strip(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the checkpoint", file=sys.stderr)
        return 130
    return 0


def _trained(settings: Settings, seeds: int) -> str:
    if seeds > 1:
        from inference_worker.training.seeds import side_by_side

        return side_by_side(settings, seeds)
    from inference_worker.training import train

    return str(train(settings))
