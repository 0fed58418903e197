"""`--template`: the golden template of each image on the command line."""

from __future__ import annotations

import argparse
import logging
from functools import lru_cache
from pathlib import Path

from inference_worker.engine.api import Detector
from inference_worker.engine.errors import TemplateMissing
from inference_worker.engine.types import Image
from inference_worker.golden import read_template

log = logging.getLogger(__name__)


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--template",
        type=Path,
        metavar="FILE|FOLDER",
        help="golden template, or a folder of them with the images' names;"
        " for models that compare with one",
    )


class Templates:
    """What to compare images with. Raises TemplateMissing at once where that is
    nothing, and the model wants it.
    """

    def __init__(self, detector: Detector, given: Path | None) -> None:
        self._wanted, self._given = detector.wants_templates, given
        if not self._wanted:
            if given is not None:
                log.warning("%s compares with no template: ignored", detector.model)
        elif given is None:
            raise TemplateMissing(
                f"{detector.model} compares each image with a golden template",
                "Name it with --template FILE, or --template FOLDER"
                " where each has its image's name.",
            )
        elif not given.exists():
            raise TemplateMissing(f"{given}: no template there", "Check the path.")

    def of(self, image: Path) -> list[Image] | None:
        """As `infer` takes them for this image alone. Raises TemplateError."""
        if not self._wanted or self._given is None:
            return None
        folder = self._given.is_dir()
        path = self._given / image.name if folder else self._given
        if not path.is_file():
            hint = f"Put {image.name}'s template there, under the same name."
            raise TemplateMissing(f"{path}: no template there", hint)
        return [_read(path)]


_read = lru_cache(maxsize=1)(read_template)  # one file for all images is read once
