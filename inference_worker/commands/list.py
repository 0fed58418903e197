"""`list`: the adopted model versions, and whether their signatures hold."""

from __future__ import annotations

import argparse
import json
import logging
from typing import Any

from inference_worker.engine.api import data_folder
from inference_worker.engine.store import Entry, list_signed, root

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(args: argparse.Namespace) -> int:
    rows = [_row(entry) for entry in list_signed(data_folder())]
    if not rows:
        log.info("nothing was adopted in %s yet", root(data_folder()))
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(row["model"], row["version"], row["release_seq"], row["status"])
    return 0


def _row(entry: Entry) -> dict[str, Any]:
    """`status` is `ok` or the code of what is wrong; then the rest is not known."""
    manifest = entry.version.manifest if entry.version else None
    return {
        "model": entry.model,
        "version": entry.name,
        "release_seq": manifest.release_seq if manifest else None,
        "created": manifest.raw["created"] if manifest else None,
        "classes": list(manifest.classes) if manifest else None,
        "status": entry.error.code if entry.error else "ok",
    }
