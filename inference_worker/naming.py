"""What a new version is called, and whether adopting would take it from its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.errors import DatasetError, EngineError
from inference_worker.engine.manifest import NAME, NAMING, Manifest
from inference_worker.engine.store import MANIFEST, next_version, open_folder

_FIRST = "1"


@dataclass(frozen=True, slots=True)
class Name:
    """Of a version, and its place among the others of its model."""

    version: str
    release_seq: int


def check_name(option: str, text: str, like: str) -> None:
    """Raises DatasetError for a model or version that no folder may be called."""
    if not NAME.fullmatch(text):
        hint = f"Give another: {option} {like}."
        raise DatasetError(f"{option} {text!r}: use {NAMING}", hint)


def next_name(
    model: str, told: str, stores: Sequence[Path], old: Manifest | None = None
) -> Name:
    """The one after the latest of this model in `stores` (folders of
    `<model>/<version>/`) and after `old`; its version is `told` if anything is.

    Raises DatasetError for one that no folder may have.
    """
    folders = _folders(model, stores)
    known = [*_manifests(folders), *([old] if old else [])]
    latest = max(known, key=lambda one: one.release_seq, default=None)
    version = told or (next_version(latest.version) if latest else _FIRST)
    while not told and version in taken(model, stores, old):
        version = next_version(version)
    check_name("--version", version, "2")
    return Name(version, latest.release_seq + 1 if latest else 1)


def taken(
    model: str, stores: Sequence[Path], old: Manifest | None = None
) -> frozenset[str]:
    """The versions of this model that there are; a broken one counts by its name."""
    names = {one.name for one in _folders(model, stores)}
    return frozenset(names | {old.version} if old and old.model == model else names)


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


def _folders(model: str, stores: Iterable[Path]) -> list[Path]:
    found = (path for store in stores for path in (store / model).glob("*/"))
    return [one for one in found if (one / MANIFEST).exists()]


def _manifests(folders: Iterable[Path]) -> Iterable[Manifest]:
    """Of those that are versions."""
    for folder in folders:
        with suppress(EngineError):
            yield open_folder(folder).manifest
