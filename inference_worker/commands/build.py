"""`build`: make a TensorRT engine of an adopted version, and sign it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from inference_worker.commands.arguments import MOST_DAYS, whole
from inference_worker.commands.models import split_name
from inference_worker.engine import clock
from inference_worker.engine.api import data_folder
from inference_worker.engine.built import TIMING_CACHE, Environment
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.entries import engines_of
from inference_worker.engine.errors import EngineError
from inference_worker.engine.issuing import write_engine
from inference_worker.engine.precision import INT8
from inference_worker.engine.store import INT8_MODEL, MODEL, Version, open_adopted

if TYPE_CHECKING:
    from inference_worker.engine.tensorrt.builder import Built

_MIB = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="NAME[@V]")
    parser.add_argument(
        "--precision",
        choices=(INT8, "f16", "f32"),
        help="default: int8 where the version has it, else f16",
    )
    parser.add_argument(
        "--images", type=whole(1), default=8, metavar="N", help="at most in one call"
    )
    parser.add_argument(
        "--workspace",
        type=whole(1),
        default=1024,
        metavar="MIB",
        help="of the card, at most, for the scratch memory of a layer",
    )
    parser.add_argument("--name", help="default: its kind and release: sm90-int8.4")
    parser.add_argument("--expires-days", type=whole(1, MOST_DAYS), metavar="N")
    parser.add_argument(
        "--private", type=Path, metavar="FILE", help="sign with this Ed25519 key too"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    private = PrivateKey.load(args.private) if args.private else None
    version = open_adopted(data_folder(), *split_name(args.model))
    precision = args.precision or _usual_precision(version)
    built = _build(version, precision, args)
    source = version.manifest.files[INT8_MODEL if precision == INT8 else MODEL]
    manifest = write_engine(
        data_folder(),
        version,
        source.sha256,
        built.plan,
        built.timing_cache,
        Environment.of(built.environment),
        name=args.name,
        expires=clock.in_days(args.expires_days) if args.expires_days else None,
        private=private,
    )
    if args.json:
        print(json.dumps(dict(manifest.raw)))
    else:
        print(manifest.model, manifest.version, manifest.engine, manifest.release_seq)
    return 0


def _build(version: Version, precision: str, args: argparse.Namespace) -> Built:
    """Raises BackendUnavailable, which says what to install, where TensorRT is not."""
    from inference_worker.engine.tensorrt import builder, networks, profiles

    return builder.build(
        networks.network_for(version, precision),
        profiles.profiles_of(version.manifest, args.images),
        args.workspace * _MIB,
        precision=precision,
        timing_cache=_timing_cache(version, precision),
        progress=lambda told: print(
            f"\r{told.done:6.1%} {told.phase[:60]:60}", end="", file=sys.stderr
        ),
    )


def _usual_precision(version: Version) -> str:
    return INT8 if INT8_MODEL in version.manifest.files else "f16"


def _timing_cache(version: Version, precision: str) -> bytes:
    """Of the newest engine in that precision; TensorRT passes over another card's."""
    found = [
        entry.signed
        for entry in engines_of(data_folder(), version.manifest.model)
        if entry.signed and entry.signed.manifest.environment.precision == precision
    ]
    for signed in sorted(found, key=lambda one: -one.manifest.release_seq):
        if TIMING_CACHE in signed.manifest.files:
            try:
                return signed.read(TIMING_CACHE)
            except EngineError:
                continue  # slower to build without
    return b""
