"""Which images measure the ranges: every class, and boards without a defect."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle

import numpy as np

from inference_worker.engine.coco import Sample

NORMAL = -1
_FEW = 100
_MOSTLY = 0.7  # share of the boxes


def stratified(samples: Sequence[Sample], count: int, seed: int) -> list[int]:
    """The indices of at most `count` samples, each class and the normal images alike
    often, as far as they go; the same seed gives the same ones.
    """
    order = list(range(len(samples)))
    random.Random(seed).shuffle(order)  # noqa: S311 - a choice of images
    strata: dict[int, list[int]] = {}
    for i in reversed(order):
        for stratum in set(samples[i].truth.class_ids.tolist()) or {NORMAL}:
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


def skew(samples: Sequence[Sample], classes: Sequence[str]) -> list[str]:
    """What these images lack to stand for the line's; a sentence each."""
    found = []
    boxes = np.zeros(len(classes), int)
    for sample in samples:
        boxes += np.bincount(sample.truth.class_ids, minlength=len(classes))
    if len(samples) < _FEW:
        found.append(f"only {len(samples)} images; {_FEW} to 500 are usual")
    missing = [name for name, n in zip(classes, boxes, strict=True) if not n]
    if missing:
        found.append(f"no box of {', '.join(missing)}")
    if len(classes) > 1 and boxes.max() > _MOSTLY * boxes.sum() > 0:
        share = boxes.max() / boxes.sum()
        found.append(f"{share:.0%} of the boxes are {classes[int(boxes.argmax())]}")
    if all(len(sample.truth) for sample in samples):
        found.append("no image without a defect: most of what a line sees is normal")
    return found
