"""The command line of training: `train`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from inference_worker.engine.errors import EngineError
from inference_worker.training import train
from inference_worker.training.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` reads."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--coco", type=Path, help="folder: annotations.json, images/")
    source.add_argument("--drawn", type=int, help="draw this many boards instead")
    usual = Settings(out=Path("engines/pcb-defects/next"))
    parser.add_argument("--out", type=Path, default=usual.out)
    parser.add_argument("--epochs", type=int, default=usual.epochs)
    parser.add_argument("--batch", type=int, default=usual.batch)
    parser.add_argument("--size", type=int, default=usual.size, help="pixels")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--model", default=usual.model, help="name in the manifest")
    parser.add_argument("--version", default=usual.version)
    parser.add_argument("--release-seq", type=int, default=usual.release_seq)
    parser.add_argument(
        "--device", default="", help="cuda, cpu; default: what is there"
    )


def run(args: argparse.Namespace) -> int:
    """Train and print the folder written; 1 when something is missing."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    names = set(Settings.__dataclass_fields__) & set(vars(args))
    given = {name: getattr(args, name) for name in names}
    settings = Settings(**{k: v for k, v in given.items() if v is not None})
    try:
        folder = train(settings)
    except ImportError as error:
        print(f"{error}; run: pip install -r requirements-train.txt", file=sys.stderr)
        return 1
    except EngineError as error:
        print(f"{error}. {error.hint}", file=sys.stderr)
        return 1
    print(folder)
    return 0
