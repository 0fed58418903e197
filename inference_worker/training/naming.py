"""What a new version is called when nobody says."""

from __future__ import annotations

import re
from dataclasses import replace

from inference_worker.engine.api import data_folder
from inference_worker.engine.store import root
from inference_worker.naming import check_name, next_name
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start


def named(settings: Settings, start: Start | None) -> Settings:
    """With model, version and release number: those of the next version of the model
    that was named as the beginning, or else of one named like the folder, after those
    that were adopted here.

    Raises DatasetError for one that could be no path.
    """
    old = start.manifest if start is not None and start.named else None
    model = settings.model or (old.model if old else _usual(settings))
    check_name("--model", model, "castings")
    name = next_name(model, settings.version, [root(data_folder())], old)
    sequence = settings.release_seq or name.release_seq
    return replace(settings, model=model, version=name.version, release_seq=sequence)


def _usual(settings: Settings) -> str:
    if settings.data is None:
        return "pcb-defects-template" if settings.template else "pcb-defects"
    slug = re.sub(r"[^a-z0-9._-]+", "-", settings.data.resolve().name.lower())
    return slug.strip("-._")[:64] or "detector"
