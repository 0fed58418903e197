"""`selftest`: every way to run a model on this machine, checked and timed."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from inference_worker.commands import models
from inference_worker.commands.arguments import whole
from inference_worker.engine.api import data_folder
from inference_worker.engine.errors import DatasetError, EngineMissing
from inference_worker.ladder.reference import reference_of
from inference_worker.selftest.evidence import evidence
from inference_worker.selftest.trial import (
    FAILED,
    MISSING,
    WRONG,
    Outcome,
    loads_of,
    tried,
)
from inference_worker.selftest.ways import TENSORRT, Options, ways_of

_MIB = 2**20
_USUAL = "selftest.json"

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", default="pcb-defects", metavar="NAME[@V]", help="default: ours")
    add(
        "--out",
        type=Path,
        default=Path(_USUAL),
        metavar="FILE",
        help=f"where the evidence goes; default: {_USUAL}",
    )
    add("--images", type=whole(1, 32), default=8, metavar="N", help="in a full call")
    add(
        "--workspace",
        type=whole(16),
        default=1024,
        metavar="MIB",
        help="of the card, at most, for the scratch memory of a layer",
    )
    add("--threads", type=models.THREADS, metavar="N", help="CPU threads; default: all")
    add("--json", action="store_true", help="print the evidence as well")


def run(args: argparse.Namespace) -> int:
    """Exit 0 when TensorRT was there and every way that ran was right, 1 otherwise."""
    if args.out.is_dir() or not args.out.resolve().parent.is_dir():
        raise DatasetError(f"--out {args.out}: no file can be written there", "")
    if models.is_folder(args.model):
        raise EngineMissing(
            f"{args.model} is a folder; a self-test wants an adopted model",
            "Adopt it first: python -m inference_worker adopt --source FOLDER",
        )
    version = models.open_version(args.model)
    reference = reference_of(version, data_folder())
    options = Options(args.images, args.workspace * _MIB, args.threads, _tell)
    outcomes = []
    for way in ways_of(version):
        log.info("trying %s", way)
        outcomes.append(tried(way, version, reference, options))
    told = json.dumps(evidence(version, outcomes), indent=1, ensure_ascii=False) + "\n"
    args.out.write_text(told)
    columns = [str(load) for load in loads_of(version, args.images)]
    print(told if args.json else as_text(outcomes, columns), end="")
    log.info("wrote %s", args.out)
    return _verdict(outcomes)


def as_text(outcomes: Sequence[Outcome], loads: Sequence[str]) -> str:
    """A way a line: the median of a call in milliseconds, by images and side."""
    lines = [f"{'':18}{'':9}" + "".join(f"{load:>10}" for load in loads)]
    for one in outcomes:
        head = f"{one.way!s:18}{one.state:9}"
        taken = {str(load): latency for load, latency in one.latencies.items()}
        cells = [f"{taken[load].median_ms:10.2f}" for load in loads if load in taken]
        lines.append(head + "".join(cells) if cells else f"{head} {_why(one)}")
    return "\n".join(lines) + "\n"


def _why(one: Outcome) -> str:
    return f"{one.code}: {one.message.splitlines()[0]}"


def _verdict(outcomes: Sequence[Outcome]) -> int:
    engines = [one for one in outcomes if one.way.backend == TENSORRT]
    bad = [one for one in outcomes if one.state in (WRONG, FAILED)]
    bad += [one for one in engines if one.state == MISSING]
    for one in bad:
        print(f"error: {one.code}: {one.way}: {one.message}", file=sys.stderr)
        if one.hint:
            print(f"  hint: {one.hint}", file=sys.stderr)
    return int(bool(bad))


def _tell(phase: str, done: float) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= 1 else ""
        print(f"\r{done:6.1%} {phase[:60]:60}", end=end, file=sys.stderr)
