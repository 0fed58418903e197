"""Naming a model on the command line, and loading it."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from inference_worker.adoption import adopt
from inference_worker.commands.arguments import whole
from inference_worker.engine.api import (
    Detector,
    data_folder,
    load_version,
)
from inference_worker.engine.backends.registry import BACKENDS
from inference_worker.engine.errors import EngineMissing
from inference_worker.engine.manifest import NAME
from inference_worker.engine.precision import PRECISIONS
from inference_worker.engine.store import (
    Version,
    open_adopted,
    open_folder,
)
from inference_worker.untrusted.folders import open_unsigned

SHIPPED = Path(__file__).resolve().parents[2] / "engines"
"""The model versions that came with the program."""

THREADS = whole(1, 1024)  # ONNX Runtime dies of a hundred thousand

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
        "--threads", type=THREADS, metavar="N", help="CPU threads; default: all"
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="default: int8 where the version has it, else what the CPU has units for",
    )


def open_version(text: str) -> Version:
    """What `NAME[@V]` or a folder names, not loaded. A shipped model is adopted when
    first named.
    """
    if is_folder(text):
        return open_given(Path(text))
    name, version = split_name(text)
    if not NAME.fullmatch(name):
        raise EngineMissing(
            f"{text!r} names no model", "Give NAME, NAME@VERSION or a version folder."
        )
    try:
        return open_adopted(data_folder(), name, version)
    except EngineMissing:
        if not (SHIPPED / name / (version or "")).is_dir():
            raise
    log.info("adopting the shipped models into %s", data_folder())
    for one in adopt(SHIPPED, data_folder(), shipped=True):
        if one.refused is not None:
            log.warning("%s %s is left out: %s", one.model, one.version, one.refused)
    return open_adopted(data_folder(), name, version)


def open_given(folder: Path) -> Version:
    """A version folder that the user names: one that did not come with the program may
    be anybody's, so its networks are looked into before they are handed out.
    """
    return open_folder(folder) if is_shipped(folder) else open_unsigned(folder)


def open_model(args: argparse.Namespace) -> Detector:
    """What `--model` names, loaded."""
    found = open_version(args.model)
    if args.backend == "tensorrt":
        return _open_engine(args, found)
    if is_folder(args.model):
        log.warning("%s is not signed: checked by its own manifest only", args.model)
    return load_version(
        found,
        backend=args.backend,
        threads=args.threads,
        precision=args.precision,
    )


def _open_engine(args: argparse.Namespace, found: Version) -> Detector:
    """The engine that was built of an adopted version, for this machine."""
    from inference_worker.ladder.opening import open_rung
    from inference_worker.ladder.rungs import Rung
    from inference_worker.ladder.workshop import Recipe

    if is_folder(args.model):
        raise EngineMissing(
            f"{args.model} is a folder; engines are built of adopted models",
            "Adopt it and build: python -m inference_worker build --model NAME",
        )
    told = found.manifest
    recipe = Recipe(
        data_folder(), told.model, told.version, args.precision, args.threads
    )
    detector = open_rung(Rung(args.backend, required=True), recipe).detector
    detector.runner.warm_up()
    return detector


def is_shipped(folder: Path) -> bool:
    """Whether it is a part of the program."""
    return folder.resolve().is_relative_to(SHIPPED.resolve())


def is_folder(text: str) -> bool:
    """Whether a model is named by its version folder."""
    return os.sep in text or (Path(text) / "manifest.json").is_file()


def split_name(text: str) -> tuple[str, str | None]:
    """`NAME@V` in its two parts; without a version it stays open."""
    name, _, version = text.partition("@")
    return name, version or None
