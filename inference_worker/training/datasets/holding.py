"""Holding images back for validation: by group, and of each class its share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets.grouping import groups_of
from inference_worker.training.datasets.records import Labelled, Listing

CANDIDATES = 16
"""Groups compared at each step; with more, seeds would differ less and take longer."""
ENOUGH = 3
"""A class that lies in this many groups is held back at least once."""

log = logging.getLogger(__name__)

Counts = NDArray[np.float64]


def split(listing: Listing, share: float, seed: int) -> tuple[Listing, Listing]:
    """(training, held): the images of `choose_part` are held, order kept.

    A class that is on none of the others is named in the log. Both sides keep all
    classes and remarks. DatasetError as there.
    """
    held = choose_part(listing, share, seed)
    training, kept = _part(listing, held, False), _part(listing, held, True)
    _name_unlearnt(training, kept)
    return training, kept


def choose_part(listing: Listing, share: float, seed: int) -> set[int]:
    """The indices of one side of two, groups undivided.

    It gets `share` (between 0 and 1) of the boxes of each class, of the images without
    a box and of all images, as closely as groups allow; both sides have a box. A class
    that lies in one group is on the other side, where that can be. The same seed
    gives the same part. DatasetError when there are not two groups, or not two with a
    box.
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; expected more than 0 and less than 1")
    groups = groups_of(listing.samples)
    counts = _counts(listing, groups)
    _check_enough(listing, counts)
    chosen = _Choice(counts, share, np.random.default_rng(seed)).made()
    return {i for group in chosen for i in groups[group]}


def _check_enough(listing: Listing, counts: Counts) -> None:
    """Training needs a box, and so does the judging of it."""
    if len(counts) > 1 and _boxed(counts).sum() > 1:
        return
    images = len(listing.samples)
    drawn = "boxes in only one of them" if len(counts) > 1 else "all alike by name"
    raise DatasetError(
        f"{images} image{'s' * (images != 1)} in {len(counts)}"
        f" group{'s' * (len(counts) != 1)} cannot be split"
        + (f": {drawn}" if images > 1 else ""),
        "Add labelled images of other units, or rename those that only look like"
        " copies: some with a box are held back to judge the model.",
    )


def _boxed(counts: Counts) -> NDArray[np.bool_]:
    """(groups,) true where a group has a box."""
    return np.asarray(counts[:, :-2].sum(axis=1) > 0)


def _name_unlearnt(training: Listing, held: Listing) -> None:
    text = "%s is only on images held back, and is not learnt: label it on more"
    for i in sorted(_drawn(held) - _drawn(training)):
        log.warning(text, held.classes[i])


def _drawn(listing: Listing) -> set[int]:
    return {int(i) for one in listing.samples for i in one.class_ids}


def _part(listing: Listing, held: set[int], wanted: bool) -> Listing:
    samples: Sequence[Labelled] = listing.samples
    some = tuple(one for i, one in enumerate(samples) if (i in held) is wanted)
    return replace(listing, samples=some)


def _counts(listing: Listing, groups: list[list[int]]) -> Counts:
    """(groups, classes + 2): boxes of each class, normal images, images."""
    classes = len(listing.classes)
    counts = np.zeros((len(groups), classes + 2))
    for row, group in zip(counts, groups, strict=True):
        for i in group:
            ids = listing.samples[i].class_ids
            row[:classes] += np.bincount(ids, minlength=classes)
            row[classes] += len(ids) == 0
            row[classes + 1] += 1
    return counts


class _Choice:
    """Takes groups one by one, the rarest class first; of some, the one after which
    the classes of what is held are mixed most as in the whole."""

    def __init__(self, counts: Counts, share: float, rng: np.random.Generator) -> None:
        self.counts = counts
        self.rng = rng
        self.targets = counts.sum(axis=0) * share
        self.spread = (counts > 0).sum(axis=0)
        alone = (counts[:, :-2] > 0) & (self.spread[:-2] == 1)
        self.free: NDArray[np.bool_] = ~alone.any(axis=1)
        self.boxed = _boxed(counts)
        if not (self.free & self.boxed).any():
            self.free[:] = True
        self.held = np.zeros(counts.shape[1])
        self.chosen: list[int] = []

    def made(self) -> list[int]:
        """Groups to hold: at least one with a box, and never all that have one."""
        columns = np.argsort(self.counts.sum(axis=0), kind="stable")
        for column in columns[self.spread[columns] > 1]:
            self._fill(int(column))
        if not self.boxed[self.chosen].any():
            self._take(self._best(np.flatnonzero(self.free & self.boxed)))
        return self.chosen

    def _fill(self, column: int) -> None:
        while len(self.chosen) < len(self.counts) - 1:
            some = np.flatnonzero(self.free & (self.counts[:, column] > 0))
            missing = self.targets[column] - self.held[column]
            if len(some) == 0 or missing <= 0:
                return
            best = self._best(some)
            first = self.held[column] == 0 and self.spread[column] >= ENOUGH
            if not first and abs(missing - self.counts[best, column]) >= missing:
                return
            self._take(best)

    def _best(self, some: NDArray[np.integer[Any]]) -> int:
        if len(some) > CANDIDATES:
            some = self.rng.choice(some, CANDIDATES, replace=False)
        held = self.held + self.counts[some]
        due = self.targets * held[:, -1:] / self.targets[-1]
        costs = (((held - due) / np.maximum(self.targets, 1)) ** 2).sum(axis=1)
        return int(self.rng.choice(some[costs <= costs.min() + 1e-9]))

    def _take(self, group: int) -> None:
        self.free[group] = False
        self.held += self.counts[group]
        self.chosen.append(group)
        left = self.boxed.copy()
        left[self.chosen] = False
        if left.sum() == 1:
            self.free[left] = False
