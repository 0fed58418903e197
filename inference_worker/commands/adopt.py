"""`adopt`: check released model files and sign them for this site."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from inference_worker.commands.models import SHIPPED
from inference_worker.engine.adoption import adopt
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
    rows = [
        {
            "model": one.model,
            "version": one.version,
            "status": "adopted" if one.fresh else "unchanged",
        }
        for one in adopt(args.source, data_folder())
    ]
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(*row.values())
    return 0
