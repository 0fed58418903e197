"""What can be known to be wrong before anything is read."""

from __future__ import annotations

from dataclasses import replace

from inference_worker.engine.errors import DatasetError
from inference_worker.training.network import GRANULE
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start

_LONGEST = 4096


def checked(settings: Settings, start: Start | None) -> Settings:
    """The settings, completed by what the named beginning decides.

    A size is rounded up to what the network takes; a beginning that sees templates
    makes this training see them. Raises DatasetError for options that say nothing
    together.
    """
    named = start is not None and start.named
    if (settings.replay or settings.golden) and not named:
        raise DatasetError(
            "--replay and --golden are for a model that goes on", "Add --from MODEL."
        )
    if settings.data is None and (settings.replay or settings.golden):
        raise DatasetError(
            "--replay and --golden go with a folder", "Add --coco FOLDER."
        )
    if settings.data is None and settings.planted:
        raise DatasetError("--planted goes with a folder", "Add --coco FOLDER.")
    if start is not None and start.named and start.manifest.input.channels == 6:
        settings = replace(settings, template=True)
    if settings.size is None:
        return settings
    size = -(-settings.size // GRANULE) * GRANULE
    if not 2 * GRANULE <= size <= _LONGEST:
        raise DatasetError(
            f"--size {settings.size} is too small or too large",
            f"Give 64 to {_LONGEST} pixels.",
        )
    return replace(settings, size=size)
