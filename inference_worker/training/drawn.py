"""Boards of our own drawing as training data, on every core."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context

import cv2
import numpy as np

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import Labelled
from inference_worker.training.settings import Settings
from traceability.demo.boards import (
    ALL,
    CLASSES,
    Ingredients,
    Sample,
    draw_sample,
)
from traceability.demo.boards import planted as planted_on

SIZE = 640

_Job = tuple[int, int, int, Ingredients]
_SCANNED = replace(ALL, grey=False, colour=False)


def boards(
    settings: Settings, size: int, *, two_levels: bool = False
) -> Iterator[Sample]:
    """The boards that the settings ask for; the i-th depends on (seed, i) only.

    `two_levels`: all as a 1-bit scanner sees them, else by cameras of every kind.
    """
    kind = _SCANNED if two_levels else ALL
    jobs = [(settings.seed, i, size, kind) for i in range(settings.drawn)]
    workers = os.cpu_count() or 1
    if workers == 1 or len(jobs) < 64:
        yield from map(_draw, jobs)
        return
    with get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_draw, jobs, chunksize=16)


def planted(settings: Settings, samples: Sequence[Labelled]) -> Iterator[Sample]:
    """Defects drawn onto the folder's own templates."""
    templates = sorted({s.template for s in samples if s.template is not None})
    if settings.planted and not templates:
        raise DatasetError("--planted needs a folder with templates/")
    yield from planted_on(templates, settings.planted, settings.seed)


def check_classes(classes: Sequence[str]) -> None:
    """Raises DatasetError where boards would show what the folder has no name for."""
    missing = sorted(set(CLASSES) - set(classes))
    if missing:
        raise DatasetError(
            f"drawn boards show {', '.join(missing)}, which the folder does not name"
        )


def _draw(job: _Job) -> Sample:
    cv2.setNumThreads(1)
    seed, i, size, kind = job
    return draw_sample(np.random.default_rng((seed, i)), size, kind)
