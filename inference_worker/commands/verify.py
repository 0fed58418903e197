"""`verify`: signature and every file of the adopted versions."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from inference_worker.commands.models import split_name
from inference_worker.engine.api import data_folder
from inference_worker.engine.errors import EngineMissing, ManifestError, StoreError
from inference_worker.engine.store import Entry, list_signed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", metavar="NAME[@V]", help="default: every adopted version"
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(args: argparse.Namespace) -> int:
    """Exit 1 when a version is refused, or there is none of that name."""
    rows = [_row(entry) for entry in _chosen(args.model)]
    if not rows:
        what = args.model or "any model"
        raise EngineMissing(f"{data_folder()} has no adopted version of {what}")
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print(*(word for word in row.values() if word))
    return int(any(row["status"] != "ok" for row in rows))


def _chosen(wanted: str | None) -> Iterator[Entry]:
    name, version = split_name(wanted or "")
    for entry in list_signed(data_folder()):
        if name in ("", entry.model) and version in (None, entry.name):
            yield entry


def _row(entry: Entry) -> dict[str, Any]:
    error = _refusal(entry)
    return {
        "model": entry.model,
        "version": entry.name,
        "status": error.code if error else "ok",
        "message": str(error or ""),
    }


def _refusal(entry: Entry) -> StoreError | ManifestError | None:
    if entry.version is None:
        return entry.error
    try:
        entry.version.read_all()
    except StoreError as error:
        return error
    return None
