"""`quantise`: a model in 8 bits beside itself, if it finds what it found before."""

from __future__ import annotations

import argparse
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import onnx

from inference_worker.commands import models
from inference_worker.commands.arguments import whole
from inference_worker.engine.api import data_folder
from inference_worker.engine.coco import Sample
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.store import (
    INT8_MODEL,
    MODEL,
    Version,
    root,
)
from inference_worker.evaluation import read_labelled
from inference_worker.naming import Name, elsewhere, named_by, next_name, taken
from inference_worker.publishing import Place, place_for
from inference_worker.quantise.calibration import halved, skew, stratified
from inference_worker.quantise.checking import check_usable
from inference_worker.quantise.drawn import write_boards
from inference_worker.quantise.errors import PrecisionLost, QuantisationError
from inference_worker.quantise.graph import prepared
from inference_worker.quantise.qdq import check_quantisable
from inference_worker.quantise.trial import (
    MOST_DROP,
    MOST_F_DROP,
    Trials,
    run_trials,
)
from inference_worker.quantise.version import Calibration, write_quantised

log = logging.getLogger(__name__)

IMAGES = whole(8, 2000)

_VALIDATED = 400  # images, at most
_BLIND = 0.1  # of mAP@0.5: a model that finds less has nothing to lose


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", required=True, metavar="NAME[@V]|FOLDER", help="in float")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--coco", type=Path, metavar="FOLDER", help="labelled images")
    source.add_argument(
        "--drawn",
        type=IMAGES,
        metavar="N",
        help="N boards of our own drawing, for a model that learnt from such",
    )
    add("--held", type=Path, metavar="FOLDER", help="measured on; default: the rest")
    add("--images", type=IMAGES, default=300, metavar="N", help="to measure ranges")
    add("--out", required=True, type=Path, metavar="FOLDER", help=".../NAME/VERSION")
    add("--version", default="", help="default: the next after all known here")
    add("--accept-drop", action="store_true", help="write it though it finds less")
    add("--threads", type=models.THREADS, metavar="N", help="default: all")
    add("--seed", type=whole(0), metavar="N", default=0, help="of the choice of images")


def run(args: argparse.Namespace) -> int:
    try:
        with place_for(args.out) as place:
            print(_quantise(args, place))
    except OSError as error:
        raise QuantisationError(
            f"{args.out}: {error}", "Nothing was released."
        ) from error
    return 0


def _quantise(args: argparse.Namespace, place: Place) -> Path:
    old = models.open_version(args.model)
    name = _named(args, old)
    check_quantisable(prepared(onnx.load_model_from_string(old.read(MODEL))))
    boards = place.scratch / "boards"
    folder = args.coco or write_boards(boards, args.drawn, args.seed)
    calibration = _calibration(args, old, folder)
    for warning in calibration.warnings:
        log.warning("ranges may not fit the line: %s", warning)
    log.info("%s", calibration.judged)
    if calibration.rough:
        log.warning("%s", calibration.rough)
    trials = run_trials(
        old.manifest,
        old.read(MODEL),
        calibration.images,
        calibration.validation,
        calibration.halves,
        args.threads,
    )
    check_loss(trials, args.accept_drop)
    return write_quantised(old, trials, calibration, place, name)


def _named(args: argparse.Namespace, old: Version) -> Name:
    """What the next version is called: as told, as its folder, or the next number."""
    told = old.manifest
    if INT8_MODEL in told.files:
        raise QuantisationError(
            f"{told.model} {told.version} has int8 already",
            "Give the version that it was made from.",
        )
    stores = root(data_folder()), models.SHIPPED, args.out.resolve().parent.parent
    version = args.version or named_by(args.out, told.model)
    name = next_name(told.model, version, stores, told)
    if name.version in taken(told.model, stores, told):
        raise DatasetError(f"--version {name.version}: {told.model} has it already")
    if hint := elsewhere(args.out, told.model, name.version):
        log.warning("%s", hint)
    return name


def _calibration(args: argparse.Namespace, old: Version, folder: Path) -> Calibration:
    classes = old.manifest.classes
    samples = _read(folder, old)
    most = args.images if args.held else min(args.images, len(samples) // 2)
    chosen = stratified(samples, most, args.seed)
    others = _read(args.held, old) if args.held else samples
    rest = _unlike(others, [samples[i] for i in chosen])
    held = [rest[i] for i in stratified(rest, _VALIDATED, args.seed)]
    if not chosen or not any(len(one.truth) for one in held):
        raise DatasetError(
            f"{args.held or folder}: too few labelled images to measure on",
            "Give some hundred images, or others to measure on with --held.",
        )
    images: list[Sample] = [samples[i] for i in chosen]
    source = f"the folder {folder.resolve().name}" if args.coco else "drawn boards"
    halves = halved(held, args.seed)
    return Calibration(source, images, held, halves, skew(images, classes))


def _unlike(samples: Sequence[Sample], known: Sequence[Sample]) -> list[Sample]:
    """Those that are no copy of one that is known, nor of one before."""
    digests = {_digest(one) for one in known}
    found = []
    for one in samples:
        digest = _digest(one)
        if digest not in digests:
            digests.add(digest)
            found.append(one)
    return found


def _read(folder: Path, old: Version) -> list[Sample]:
    """The labelled images of a folder, every one of which can be used."""
    templates = old.manifest.input.channels == 6
    samples = read_labelled(folder, old.manifest.classes, templates)
    check_usable(folder, samples, templates)
    return samples


def _digest(sample: Sample) -> bytes:
    return hashlib.sha256(sample.path.read_bytes()).digest()


def check_loss(trials: Trials, accept_drop: bool) -> None:
    """PrecisionLost for a best method that loses too much, unless that is accepted;
    QuantisationError where there is nothing to lose.
    """
    reached = min(one.map50 for one in trials.base.values())
    if reached < _BLIND:
        raise QuantisationError(
            f"in float the model reaches mAP@0.5 {reached:.4f} on these images",
            "Give images of what it was made for: a loss could not be seen on these.",
        )
    best = trials.best
    if trials.strain(best) > 1 and not accept_drop:
        raise PrecisionLost(
            f"int8 loses {100 * trials.drop(best):.2f} points of mAP@0.5 and"
            f" {100 * trials.f_drop(best):.2f} of F by the best method, {best.method};"
            f" {100 * MOST_DROP:.1f} and {100 * MOST_F_DROP:.1f} are allowed;"
            " nothing is written"
        )
