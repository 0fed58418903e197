"""What a new version is called when nobody says."""

from __future__ import annotations

import re
from dataclasses import replace

from inference_worker.engine.api import data_folder
from inference_worker.engine.errors import DatasetError
from inference_worker.engine.manifest import NAME, NAMING
from inference_worker.engine.store import next_version, root
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start


def named(settings: Settings, start: Start | None) -> Settings:
    """With model, version and release number: those of the next version of the model
    that was named as the beginning, or else the first of one named like the folder.

    Raises DatasetError for one that could be no path.
    """
    old = start.manifest if start is not None and start.named else None
    model = settings.model or (old.model if old else _usual(settings))
    version = settings.version or (next_version(old.version) if old else _first(model))
    for field, text in (("--model", model), ("--version", version)):
        if not NAME.fullmatch(text):
            raise DatasetError(f"{field} {text!r}: use {NAMING}")
    sequence = settings.release_seq or (
        old.release_seq + 1 if old else _number(version)
    )
    return replace(settings, model=model, version=version, release_seq=sequence)


def _usual(settings: Settings) -> str:
    if settings.data is None:
        return "pcb-defects-template" if settings.template else "pcb-defects"
    slug = re.sub(r"[^a-z0-9._-]+", "-", settings.data.resolve().name.lower())
    return slug.strip("-._")[:64] or "detector"


def _first(model: str) -> str:
    """1, or what follows the versions of this name that were adopted here."""
    folder = root(data_folder()) / model
    taken = [int(one.name) for one in folder.glob("*/") if one.name.isdecimal()]
    return str(max(taken, default=0) + 1)


def _number(version: str) -> int:
    return int(version) if version.isdecimal() and int(version) else 1
