"""`list`: adopted versions and built engines, and whether their signatures hold."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator
from typing import Any

from inference_worker.engine.api import data_folder
from inference_worker.engine.entries import EngineEntry, engines_of
from inference_worker.engine.store import Entry, list_signed, root

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(args: argparse.Namespace) -> int:
    rows = list(_rows())
    if not rows:
        log.info("nothing was adopted in %s yet", root(data_folder()))
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            name = (row["model"], row["version"], *filter(None, [row.get("engine")]))
            print(*name, row["release_seq"], row["status"])
    return 0


def _rows() -> Iterator[dict[str, Any]]:
    """Every version, and after it the engines that were built from it."""
    for entry in list_signed(data_folder()):
        yield _row(entry)
        for engine in engines_of(data_folder(), entry.model, entry.name):
            yield _engine_row(engine)


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


def _engine_row(entry: EngineEntry) -> dict[str, Any]:
    manifest = entry.signed.manifest if entry.signed else None
    return {
        "model": entry.model,
        "version": entry.version,
        "engine": entry.name,
        "release_seq": manifest.release_seq if manifest else None,
        "created": manifest.raw["created"] if manifest else None,
        "expires": manifest.expires if manifest else None,
        "environment": manifest.raw["environment"] if manifest else None,
        "status": entry.error.code if entry.error else "ok",
    }
