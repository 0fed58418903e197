"""What a training learns from and is judged by, gathered from the settings."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference_worker.engine.errors import DatasetError
from inference_worker.training import drawn
from inference_worker.training.card import Source
from inference_worker.training.datasets import Labelled, Listing, read_folder, report
from inference_worker.training.datasets import split as split_listing
from inference_worker.training.pictures import Pictures, load, of_samples
from inference_worker.training.recipe import (
    Recipe,
    canvas_of,
    choose,
    defaults_for,
    held_share,
)
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start, beginning_of, classes_of
from traceability.demo.boards import CLASSES, Sample

log = logging.getLogger(__name__)

_BESIDE = 0.5  # of the views, at most, are of boards drawn beside a folder


@dataclass(frozen=True)
class Material:
    """Pictures to learn from with the share of views each gets, and to judge by.

    `golden` is what the model that was started from must still be able to do.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    sets: Sequence[tuple[Pictures, float]]
    held: Pictures
    golden: Pictures | None
    test: Pictures | None
    samples: Sequence[Labelled]
    sources: Sequence[Source]


def gather(settings: Settings, start: Start | None) -> Material:
    """Read, draw, split. Raises DatasetError for whatever cannot be used."""
    if settings.data is None:
        return _of_drawn(settings, start)
    listing = _read(settings.data, settings, start)
    replay = _replayed(settings, listing)
    classes = classes_of(start, replay.classes if replay else listing.classes)
    share = settings.held_share or held_share(len(listing.samples))
    training, held = split_listing(listing, share, settings.seed)
    recipe = _recipe(training.samples, settings, start)
    for reason in recipe.reasons:
        log.info("%s", reason)
    templates = settings.template or all(s.template for s in training.samples)
    gathering = _Gathering(settings, recipe, classes, templates)
    return gathering.material(training, held, replay)


@dataclass(frozen=True)
class _Gathering:
    """What every set of one training has in common.

    `templates` are kept for a network that sees them, and where the folder has them
    all: then defects can be healed with their pixels.
    """

    settings: Settings
    recipe: Recipe
    classes: tuple[str, ...]
    templates: bool

    def material(
        self, training: Listing, held: Listing, replay: Listing | None
    ) -> Material:
        settings = self.settings
        old, golden = self._replay(replay)
        beside = self._beside(training.samples)
        shares = _shares(
            len(training.samples),
            [len(one) for one in beside],
            settings.replay_share if old else 0.0,
        )
        sets = [self._load(training.samples), *beside]
        if old is not None:
            sets.append(old)
        return Material(
            recipe=self.recipe,
            classes=self.classes,
            sets=list(zip(sets, shares, strict=True)),
            held=self._load(held.samples),
            golden=golden,
            test=self.folder(settings.test),
            samples=training.samples,
            sources=self._sources(training, held, beside, old),
        )

    def _load(self, samples: Sequence[Labelled]) -> Pictures:
        recipe = replace(self.recipe, canvas=canvas_of(samples, self.recipe.size))
        return load(samples, recipe, self.classes, templates=self.templates)

    def folder(self, folder: Path | None) -> Pictures | None:
        if folder is None:
            return None
        return self._load(_read_known(folder, self.classes).samples)

    def drawn(self) -> Pictures:
        """Boards of our own drawing, at the size of this training."""
        samples = drawn.boards(self.settings, self.recipe.size)
        return self._drawn(samples, self.settings.drawn)

    def _planted(self, samples: Sequence[Labelled]) -> Pictures:
        found = drawn.planted(self.settings, samples)
        return self._drawn(found, self.settings.planted)

    def _drawn(self, samples: Iterator[Sample], count: int) -> Pictures:
        drawn.check_classes(self.classes)
        return of_samples(
            samples, count, self.recipe, self.classes, templates=self.templates
        )

    def _beside(self, samples: Sequence[Labelled]) -> list[Pictures]:
        parts = [self.drawn()] if self.settings.drawn else []
        return [*parts, self._planted(samples)] if self.settings.planted else parts

    def _replay(
        self, replay: Listing | None
    ) -> tuple[Pictures | None, Pictures | None]:
        """Old data to show again, and to guard: a part of it if none is given."""
        settings = self.settings
        golden = self.folder(settings.golden)
        if replay is None:
            return None, golden
        if golden is not None:
            return self._load(replay.samples), golden
        share = held_share(len(replay.samples))
        shown_again, guarded = split_listing(replay, share, settings.seed)
        return self._load(shown_again.samples), self._load(guarded.samples)

    def _sources(
        self,
        training: Listing,
        held: Listing,
        beside: Sequence[Pictures],
        old: Pictures | None,
    ) -> list[Source]:
        main = _source_of(
            f"the labelled folder `{_name(self.settings.data)}`",
            [*training.samples, *held.samples],
            self.classes,
            len(held.samples),
        )
        drawn_beside = [
            _source_of_pictures("boards drawn by our own code", one) for one in beside
        ]
        again = [_source_of_pictures("old data, shown again", old)] if old else []
        return [main, *drawn_beside, *again]


def _of_drawn(settings: Settings, start: Start | None) -> Material:
    if not settings.drawn:
        raise DatasetError("nothing to train on", "Give --coco FOLDER, or --drawn N.")
    recipe = defaults_for(settings, settings.drawn, drawn.SIZE, beginning_of(start))
    gathering = _Gathering(settings, recipe, CLASSES, settings.template)
    everything = gathering.drawn()
    order = np.random.default_rng(settings.seed).permutation(len(everything))
    count = max(1, round(len(order) * (settings.held_share or 0.05)))
    held, training = everything.take(order[:count]), everything.take(order[count:])
    source = _source_of_pictures("boards drawn by our own code", everything)
    return Material(
        recipe=recipe,
        classes=CLASSES,
        sets=[(training, 1.0)],
        held=held,
        golden=gathering.folder(settings.golden),
        test=gathering.folder(settings.test),
        samples=(),
        sources=[replace(source, held=len(held))],
    )


def _read(folder: Path, settings: Settings, start: Start | None) -> Listing:
    listing = read_folder(
        folder, classes=classes_of(start, ()), skip_broken=settings.skip_broken
    )
    if listing.remarks:
        print(report(listing.remarks), file=sys.stderr)
    if not any(len(sample.boxes) for sample in listing.samples):
        raise DatasetError(f"{folder}: no image has a box", "Label some defects first.")
    if settings.template and not any(s.template for s in listing.samples):
        raise DatasetError(
            f"{folder}: no image has a template",
            "Put the golden image of each into templates/, under the image's name.",
        )
    return listing


def _replayed(settings: Settings, listing: Listing) -> Listing | None:
    if settings.replay is None:
        return None
    return read_folder(
        settings.replay, classes=listing.classes, skip_broken=settings.skip_broken
    )


def _read_known(folder: Path, classes: Sequence[str]) -> Listing:
    listing = read_folder(folder, classes=classes)
    unknown = set(listing.classes) - set(classes)
    if unknown:
        raise DatasetError(f"{folder}: the model does not learn {', '.join(unknown)}")
    return listing


def _recipe(
    samples: Sequence[Labelled], settings: Settings, start: Start | None
) -> Recipe:
    if start is not None and start.named and settings.size is None:
        by_size = sorted(samples, key=lambda s: max(s.height, s.width))
        usual = by_size[len(by_size) // 2]
        size = start.size_for(usual.height, usual.width)
        settings = replace(settings, size=size)
    replay = settings.replay_share if settings.replay else 0.0
    share = _shares(len(samples), [settings.drawn, settings.planted], replay)[0]
    views = round(len(samples) / share)
    return choose(samples, settings, views, beginning_of(start))


def _shares(main: int, beside: Sequence[int], replay: float) -> list[float]:
    """The share of views of the folder, of each drawn set, of the replay."""
    drawn_share = min(_BESIDE, sum(beside) / max(1, main + sum(beside)))
    rest = 1.0 - replay
    parts = [rest * drawn_share * count / max(1, sum(beside)) for count in beside]
    shares = [rest * (1.0 - drawn_share), *parts]
    return [*shares, replay] if replay else shares


def _source_of(
    origin: str, samples: Sequence[Labelled], classes: Sequence[str], held: int
) -> Source:
    boxes = Counter(classes[i] for sample in samples for i in sample.class_ids)
    normal = sum(len(sample.class_ids) == 0 for sample in samples)
    return Source(origin, len(samples), dict(boxes), normal, held)


def _source_of_pictures(origin: str, pictures: Pictures) -> Source:
    boxes = Counter(pictures.classes[i] for t in pictures.truth for i in t.class_ids)
    normal = sum(len(truth) == 0 for truth in pictures.truth)
    return Source(origin, len(pictures), dict(boxes), normal, 0)


def _name(folder: Path | None) -> str:
    return folder.resolve().name if folder else ""
