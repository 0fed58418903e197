"""Many samples on many clean photos, on every core."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from traceability.demo.boards.looks import Polarity, two_levels
from traceability.demo.boards.model import Image, Sample
from traceability.demo.boards.planting import (
    LIKE_BY_HAND,
    Ground,
    Planting,
    plant_on_photo,
)


def planted(
    templates: Sequence[Path],
    count: int,
    seed: int,
    size: int = 0,
    planting: Planting = LIKE_BY_HAND,
    workers: int = 0,
) -> Iterator[Sample]:
    """`count` samples on these photos, drawn on `workers` processes (0: all cores).

    The photos take part alike, in an order that the seed decides; samples on the
    same photo come one after another. With `size` photos are first scaled to that
    many pixels on the longer side. ValueError names a file that is no picture.
    """
    if not templates:
        raise ValueError("no template to plant on; give at least one picture")
    jobs = _jobs(templates, count, seed, size, planting)
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if workers <= 1:
        for job in jobs:
            yield from _plant_job(job)
        return
    with get_context("spawn").Pool(workers) as pool:
        for samples in pool.imap(_plant_job, jobs):
            yield from samples


@dataclass(frozen=True)
class _Job:
    path: Path
    numbers: range
    seed: int
    size: int
    planting: Planting


_AT_ONCE = 8  # samples that one process makes before it sends them


def _jobs(
    templates: Sequence[Path], count: int, seed: int, size: int, planting: Planting
) -> list[_Job]:
    order = np.random.default_rng(seed).permutation(len(templates))
    bounds = [count * i // len(order) for i in range(len(order) + 1)]
    return [
        _Job(templates[which], range(at, min(at + _AT_ONCE, end)), seed, size, planting)
        for which, begin, end in zip(order, bounds, bounds[1:], strict=False)
        for at in range(begin, end, _AT_ONCE)
    ]


def _plant_job(job: _Job) -> list[Sample]:
    cv2.setNumThreads(1)
    ground = _ground(job.path, job.size, job.planting.polarity)
    generators = (np.random.default_rng((job.seed, i)) for i in job.numbers)
    return [plant_on_photo(ground, rng, None, job.planting) for rng in generators]


@lru_cache(maxsize=2)
def _ground(path: Path, size: int, polarity: Polarity) -> Ground:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} is not a picture; give PNG, JPEG or BMP files")
    photo = np.ascontiguousarray(np.asarray(picture, np.uint8)[..., ::-1])
    return Ground.of(_scaled(photo, size) if size else photo, polarity)


def _scaled(photo: Image, size: int) -> Image:
    scale = size / max(photo.shape[:2])
    if math.isclose(scale, 1.0):
        return photo
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    target = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    fitted = np.asarray(cv2.resize(photo, target, interpolation=method), np.uint8)
    if two_levels(photo):
        return np.where(fitted > 127, 255, 0).astype(np.uint8)
    return fitted
