"""The model whose weights a training begins with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_worker.commands.models import SHIPPED, open_given, split_name
from inference_worker.engine.api import data_folder
from inference_worker.engine.errors import EngineMissing
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.preprocess import plan
from inference_worker.engine.store import (
    MODEL,
    Version,
    open_folder,
    open_latest,
    open_signed,
    version_folders,
)
from inference_worker.training.recipe import Beginning
from inference_worker.training.settings import Settings

NOTHING = "nothing"
_USUAL = ("pcb-defects", "pcb-defects-template")


@dataclass(frozen=True)
class Start:
    """A released model; `named` when somebody asked for it.

    A named one keeps its classes and its scale; one taken by default only lends
    what its layers learnt.
    """

    manifest: Manifest
    model: bytes
    named: bool

    def __str__(self) -> str:
        return f"{self.manifest.model}@{self.manifest.version}"

    def size_for(self, height: int, width: int) -> int:
        """The long side at which this model looks at such an image."""
        sizes = self.manifest.input.sizes
        return max(plan(height, width, sizes, self.manifest.stride).content)


def find_start(settings: Settings) -> Start | None:
    """None for chance; raises EngineMissing for a model that is not there."""
    if settings.start == NOTHING:
        return None
    if settings.start:
        return _start(_named(settings.start), named=True)
    usual = [name for name in _USUAL if settings.template or name == _USUAL[0]]
    found = [version for name in usual for version in _shipped(name)]
    return _start(found[-1], named=False) if found else None


def classes_of(start: Start | None, found: Sequence[str]) -> tuple[str, ...]:
    """A named model's classes first, in its order; then what is new."""
    old = start.manifest.classes if start is not None and start.named else ()
    return (*old, *(name for name in found if name not in old))


def beginning_of(start: Start | None) -> Beginning:
    """In the words of the recipe."""
    if start is None:
        return Beginning.CHANCE
    return Beginning.MORE if start.named else Beginning.LENT


def _start(version: Version, *, named: bool) -> Start:
    return Start(version.manifest, version.read(MODEL), named)


def _named(text: str) -> Version:
    if os.sep in text or (Path(text) / "manifest.json").is_file():
        return open_given(Path(text))
    name, version = split_name(text)
    try:
        data = data_folder()
        return open_signed(data, name, version) if version else open_latest(data, name)
    except EngineMissing:
        found = [v for v in _shipped(name) if version in (None, v.manifest.version)]
        if not found:
            raise
        return found[-1]


def _shipped(name: str) -> list[Version]:
    """The versions that came with the program, by their release."""
    folders = [f for f in version_folders(SHIPPED) if f.parent.name == name]
    versions = [open_folder(folder) for folder in folders]
    return sorted(versions, key=lambda version: version.manifest.release_seq)
