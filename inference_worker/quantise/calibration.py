"""Which images measure the ranges, choose a method and judge it: all kinds of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np

from inference_worker.engine.coco import Sample

NORMAL = -1
FEW = 100
"""Fewer images measure roughly, ranges as well as losses."""

_MOSTLY = 0.7  # share of the boxes


@dataclass(frozen=True, slots=True)
class Halves:
    """Indices of the images that choose between methods, and of those that judge."""

    choosing: tuple[int, ...]
    judging: tuple[int, ...]


def stratified(samples: Sequence[Sample], count: int, seed: int) -> list[int]:
    """The indices of at most `count` samples, each class and the normal images alike
    often, as far as they go; the same seed gives the same ones.
    """
    order = list(range(len(samples)))
    random.Random(seed).shuffle(order)  # noqa: S311 - a choice of images
    strata: dict[int, list[int]] = {}
    for i in reversed(order):
        for stratum in _strata(samples[i]):
            strata.setdefault(stratum, []).append(i)
    chosen: dict[int, None] = {}
    for stratum in cycle(sorted(strata)):
        if len(chosen) == min(count, len(samples)):
            return list(chosen)
        while strata[stratum]:
            i = strata[stratum].pop()
            if i not in chosen:
                chosen[i] = None
                break
    return list(chosen)


def halved(samples: Sequence[Sample], seed: int) -> Halves | None:
    """Two halves with as many images of each class, and normal ones, but for one; an
    image of several classes counts for the rarest. The same seed gives the same ones.

    None for fewer than FEW images a half, or where one would hold no box: then all of
    them must choose and judge.
    """
    if len(samples) < 2 * FEW:
        return None
    order = list(range(len(samples)))
    random.Random(seed).shuffle(order)  # noqa: S311 - a choice of images
    often = Counter(stratum for one in samples for stratum in _strata(one))

    def rarest(i: int) -> tuple[int, int]:
        return min((often[stratum], stratum) for stratum in _strata(samples[i]))

    dealt = sorted(order, key=rarest)
    halves = Halves(tuple(dealt[::2]), tuple(dealt[1::2]))
    drawn = [
        any(len(samples[i].truth) for i in half)
        for half in (halves.choosing, halves.judging)
    ]
    return halves if all(drawn) else None


def _strata(sample: Sample) -> set[int]:
    return set(sample.truth.class_ids.tolist()) or {NORMAL}


def skew(samples: Sequence[Sample], classes: Sequence[str]) -> list[str]:
    """What these images lack to stand for the line's; a sentence each."""
    found = []
    boxes = np.zeros(len(classes), int)
    for sample in samples:
        boxes += np.bincount(sample.truth.class_ids, minlength=len(classes))
    if len(samples) < FEW:
        found.append(f"only {len(samples)} images; {FEW} to 500 are usual")
    missing = [name for name, n in zip(classes, boxes, strict=True) if not n]
    if missing:
        found.append(f"no box of {', '.join(missing)}")
    if len(classes) > 1 and boxes.max() > _MOSTLY * boxes.sum() > 0:
        share = boxes.max() / boxes.sum()
        found.append(f"{share:.0%} of the boxes are {classes[int(boxes.argmax())]}")
    if all(len(sample.truth) for sample in samples):
        found.append("no image without a defect: most of what a line sees is normal")
    return found
