"""`sign`: sign anew what verifies, or go back to an older release."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from inference_worker.commands.models import split_name
from inference_worker.engine import resigning
from inference_worker.engine.api import data_folder
from inference_worker.engine.ed25519 import PrivateKey
from inference_worker.engine.errors import EngineMissing
from inference_worker.engine.resigning import Resigned


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", metavar="NAME", help="default: every model")
    parser.add_argument(
        "--private", type=Path, metavar="FILE", help="sign with this Ed25519 key too"
    )
    parser.add_argument(
        "--rollback-to",
        metavar="NAME@V[/ENGINE]",
        help="make this version, or this engine, the newest release again",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(args: argparse.Namespace) -> int:
    """Exit 1 when something does not verify, and so was not signed."""
    private = PrivateKey.load(args.private) if args.private else None
    if args.rollback_to:
        rows = [_roll_back(args.rollback_to, private)]
    else:
        done = resigning.resign(data_folder(), private, args.model)
        rows = [row(one) for one in done]
    show(rows, as_json=args.json)
    return int(any(row["status"] not in ("signed", "rolled_back") for row in rows))


def row(one: Resigned) -> dict[str, Any]:
    return {
        "model": one.model,
        "version": one.version,
        "engine": one.engine,
        "status": one.error.code if one.error else "signed",
    }


def show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(*(word for word in row.values() if word is not None))


def _roll_back(wanted: str, private: PrivateKey | None) -> dict[str, Any]:
    name, rest = split_name(wanted)
    version, _, engine = (rest or "").partition("/")
    if not version:
        raise EngineMissing(f"{wanted!r} names no version", "Give NAME@VERSION.")
    where = (data_folder(), name, version)
    if engine:
        seq = resigning.roll_back_engine(*where, engine, private).release_seq
    else:
        seq = resigning.roll_back_version(*where, private).release_seq
    told = {"model": name, "version": version, "engine": engine or None}
    return {**told, "release_seq": seq, "status": "rolled_back"}
