"""`verify`: signature and every file of adopted versions and built engines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from inference_worker.commands.models import split_name
from inference_worker.engine import audit
from inference_worker.engine.api import data_folder
from inference_worker.engine.entries import EngineEntry, engines_of
from inference_worker.engine.errors import EngineMissing, ManifestError, StoreError
from inference_worker.engine.history import History
from inference_worker.engine.keyring import KeyRing
from inference_worker.engine.store import Entry, list_signed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", metavar="NAME[@V]", help="default: every adopted version"
    )
    parser.add_argument(
        "--log", action="store_true", help="check and show the audit log instead"
    )
    parser.add_argument("--json", action="store_true", help="one JSON array")


def run(args: argparse.Namespace) -> int:
    """Exit 1 when a version is refused, or there is none of that name."""
    if args.log:
        return _show_log(as_json=args.json)
    rows = [row for entry in _chosen(args.model) for row in _rows(entry)]
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


def _rows(entry: Entry) -> Iterator[dict[str, Any]]:
    yield _row((entry.model, entry.name), _refusal(entry))
    for engine in engines_of(data_folder(), entry.model, entry.name):
        yield _row((entry.model, entry.name, engine.name), _engine_refusal(engine))


def _row(
    name: tuple[str, ...], error: StoreError | ManifestError | None
) -> dict[str, Any]:
    return {
        **dict(zip(("model", "version", "engine"), name, strict=False)),
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


def _engine_refusal(entry: EngineEntry) -> StoreError | ManifestError | None:
    """Whatever machine it is for: `list` says that."""
    if entry.signed is None:
        return entry.error
    try:
        entry.signed.manifest.check_time()
        for name in entry.signed.manifest.files:
            entry.signed.read(name)
    except StoreError as error:
        return error
    return None


def _show_log(*, as_json: bool) -> int:
    """Raises AuditBroken where a line was altered or is missing."""
    data = data_folder()
    ring = KeyRing.load(data)
    entries = audit.read(data, ring, History.load(data, ring).lines)
    if as_json:
        print(json.dumps(entries))
    else:
        for entry in entries:
            told = " ".join(f"{name}={it}" for name, it in entry["details"].items())
            if entry["event"] == audit.CUT_SHORT:
                told = "by a crash while it was written: what it said is lost"
            said = (entry["at"], entry["by"], entry["event"], told)
            print(entry["number"], *filter(None, said))
    return 0
