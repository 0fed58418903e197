"""What the new version is called, and whether adopting would take it from there."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.errors import DatasetError, EngineError
from inference_worker.engine.manifest import NAME, NAMING, Manifest
from inference_worker.engine.store import MANIFEST, next_version, open_folder


@dataclass(frozen=True, slots=True)
class Name:
    """Of a version, and its place among the others of its model."""

    version: str
    release_seq: int


def next_name(old: Manifest, told: str, stores: Iterable[Path]) -> Name:
    """The one after the latest of this model in `stores` (folders of
    `<model>/<version>/`) and after `old`; its version is `told` if anything is.

    Raises DatasetError for one that no folder may have, or that there is.
    """
    found = [path for store in stores for path in (store / old.model).glob("*/")]
    folders = [one for one in found if (one / MANIFEST).exists()]
    known = [old, *_manifests(folders)]
    taken = {old.version, *(one.name for one in folders)}
    latest = max(known, key=lambda one: one.release_seq)
    version = told or next_version(latest.version)
    while not told and version in taken:
        version = next_version(version)
    if not NAME.fullmatch(version):
        raise DatasetError(f"--version {version!r}: use {NAMING}")
    if version in taken:
        raise DatasetError(f"--version {version}: {old.model} {version} is there")
    return Name(version, latest.release_seq + 1)


def named_by(out: Path, model: str) -> str:
    """The version that a folder `<model>/<version>` is for; "" for any other."""
    whole = out.resolve()
    meant = whole.parent.name == model and NAME.fullmatch(whole.name)
    return whole.name if meant else ""


def elsewhere(out: Path, model: str, version: str) -> str:
    """What to do before adopting takes the version from that folder; "" for nothing."""
    whole = out.resolve()
    if (whole.parent.name, whole.name) == (model, version):
        return ""
    return (
        f"adopting takes {model} {version} from a folder {model}/{version} only: move"
        f" {out} there first, or give such a folder with --out"
    )


def _manifests(folders: Iterable[Path]) -> Iterable[Manifest]:
    """Of those that are versions; a broken one counts by its name alone."""
    for folder in folders:
        with suppress(EngineError):
            yield open_folder(folder).manifest
