"""The labelled folders of a training, read and looked at before anything else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference_worker.engine.errors import DatasetError
from inference_worker.training.datasets import Listing, read_folder, report, split
from inference_worker.training.recipe import held_share
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start, classes_of


@dataclass(frozen=True)
class Folders:
    """What was read: `training` and `held` are parts of one folder, of which people
    looked for the classes `known`; the others may be missing.
    """

    classes: tuple[str, ...]
    known: frozenset[str]
    training: Listing
    held: Listing
    replay: Listing | None
    golden: Listing | None
    test: Listing | None

    @property
    def every(self) -> list[Listing]:
        parts = (self.training, self.held, self.replay, self.golden, self.test)
        return [part for part in parts if part is not None]


def read_folders(settings: Settings, data: Path, start: Start | None) -> Folders:
    """Every folder that the settings name. Raises DatasetError for what cannot be used.

    A new model learns the classes that have a box, or that boards drawn beside the
    folder may show; one that goes on keeps those it had, in their order, before the
    new ones.
    """
    old = classes_of(start, ())
    main = _read(data, old, settings)
    if settings.template and not any(sample.template for sample in main.samples):
        raise DatasetError(
            f"{data}: no image has a template that can be used",
            "Put the golden image of each into templates/, under the image's name.",
        )
    replay, classes = None, main.classes
    if settings.replay is not None:
        replay = _read(settings.replay, classes, settings)
        classes = replay.classes
    elif not (old or settings.drawn or settings.planted):
        main = _drawn_only(main)
        classes = main.classes
    training, held = _parts(main, classes, settings)
    golden = _judging(settings.golden, classes, settings)
    if replay is not None and golden is None:
        replay, golden = split(replay, held_share(len(replay.samples)), settings.seed)
    return Folders(
        classes=classes,
        known=frozenset(main.classes[i] for i in _drawn(main)),
        training=training,
        held=held,
        replay=replay,
        golden=golden,
        test=_judging(settings.test, classes, settings),
    )


def _parts(
    main: Listing, classes: Sequence[str], settings: Settings
) -> tuple[Listing, Listing]:
    """What to learn from and what to hold back: a folder of its own, if given."""
    if settings.held is None:
        return split(main, _share(main, settings), settings.seed)
    held = judging(settings.held, classes, settings)
    if not _drawn(held):
        raise DatasetError(f"{settings.held}: no image has a box to be found")
    return main, held


def _share(listing: Listing, settings: Settings) -> float:
    return settings.held_share or held_share(len(listing.samples))


def _read(folder: Path, classes: Sequence[str], settings: Settings) -> Listing:
    listing = read_folder(folder, classes=classes, skip_broken=settings.skip_broken)
    if listing.remarks:
        print(f"{folder}:\n{report(listing.remarks)}", file=sys.stderr)
    return listing


def judging(folder: Path, classes: Sequence[str], settings: Settings) -> Listing:
    """A folder to measure on: it may show nothing that is not learnt."""
    listing = _read(folder, classes, settings)
    shown = {listing.classes[i] for i in _drawn(listing)}
    unknown = sorted(shown - set(classes))
    if unknown:
        raise DatasetError(f"{folder}: the model does not learn {', '.join(unknown)}")
    return listing


def _judging(
    folder: Path | None, classes: Sequence[str], settings: Settings
) -> Listing | None:
    return None if folder is None else judging(folder, classes, settings)


def _drawn(listing: Listing) -> list[int]:
    """The numbers of the classes that have a box."""
    return sorted({int(i) for sample in listing.samples for i in sample.class_ids})


def _drawn_only(listing: Listing) -> Listing:
    """Without classes that nobody drew: nothing could be learnt of them."""
    kept = _drawn(listing)
    if len(kept) == len(listing.classes):
        return listing
    number = {old: new for new, old in enumerate(kept)}
    samples = tuple(
        replace(
            sample,
            class_ids=np.array([number[int(i)] for i in sample.class_ids], np.int64),
        )
        for sample in listing.samples
    )
    return Listing(tuple(listing.classes[i] for i in kept), samples, listing.remarks)
