"""`adopt`: check released model files and sign them for this site."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from inference_worker.adoption import Adopted, adopt
from inference_worker.commands.main import report
from inference_worker.commands.models import SHIPPED, is_shipped
from inference_worker.engine.api import data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        type=Path,
        default=SHIPPED,
        metavar="FOLDER",
        help="where <model>/<version>/ are; default: what came with the program",
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(args: argparse.Namespace) -> int:
    """Exit 1 when a version is refused; the others are adopted all the same."""
    found = adopt(args.source, data_folder(), shipped=is_shipped(args.source))
    refused = [one.refused for one in found if one.refused is not None]
    for error in refused:
        report(error)
    if args.json:
        print(json.dumps([_row(one) for one in found]))
    else:
        for one in found:
            print(one.model, one.version, _status(one))
    return int(bool(refused))


def _row(one: Adopted) -> dict[str, Any]:
    return {
        "model": one.model,
        "version": one.version,
        "status": _status(one),
        "message": str(one.refused or ""),
    }


def _status(one: Adopted) -> str:
    """The code of what is wrong, if anything is."""
    if one.refused is not None:
        return one.refused.code
    return "adopted" if one.fresh else "unchanged"
