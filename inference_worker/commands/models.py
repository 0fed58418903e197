"""Naming a model on the command line, and loading it."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from inference_worker.engine.adoption import adopt
from inference_worker.engine.api import (
    Detector,
    data_folder,
    load_detector,
    load_folder,
)
from inference_worker.engine.backends.registry import BACKENDS
from inference_worker.engine.errors import EngineMissing

SHIPPED = Path(__file__).resolve().parents[2] / "engines"
"""The model versions that came with the program."""

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        required=True,
        metavar="NAME[@V]|FOLDER",
        help="an adopted model, its latest version unless named; or a version folder",
    )
    parser.add_argument("--backend", choices=sorted(BACKENDS), default="openvino")
    parser.add_argument(
        "--threads", type=thread_count, metavar="N", help="CPU threads; default: all"
    )
    parser.add_argument(
        "--precision",
        choices=("f32", "bf16", "f16"),
        help="default: the fastest that the CPU has units for",
    )


def open_model(args: argparse.Namespace) -> Detector:
    """What `--model` names, loaded. A shipped model is adopted when first named."""
    options = {
        "backend": args.backend,
        "threads": args.threads,
        "precision": args.precision,
    }
    folder = Path(args.model)
    if os.sep in args.model or (folder / "manifest.json").is_file():
        log.warning("%s is not signed: checked by its own manifest only", folder)
        return load_folder(folder, **options)
    name, version = split_name(args.model)
    try:
        return load_detector(name, version, data=data_folder(), **options)
    except EngineMissing:
        if not (SHIPPED / name).is_dir():
            raise
    log.info("adopting the shipped models into %s", data_folder())
    adopt(SHIPPED, data_folder())
    return load_detector(name, version, data=data_folder(), **options)


def split_name(text: str) -> tuple[str, str | None]:
    """`NAME@V` in its two parts; without a version it stays open."""
    name, _, version = text.partition("@")
    return name, version or None


def thread_count(text: str) -> int:
    """ValueError for what is not a positive number, as argparse wants it."""
    if int(text) < 1:
        raise ValueError
    return int(text)
