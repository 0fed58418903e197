"""What a training learns from and is judged by, gathered from the settings."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference_worker.engine.errors import DatasetError
from inference_worker.training import drawn, sources
from inference_worker.training.card import Source
from inference_worker.training.datasets import Labelled, Listing
from inference_worker.training.folders import Folders, judging, read_folders
from inference_worker.training.guard import Halves, halved
from inference_worker.training.pictures import Frame, Pictures, load, of_samples
from inference_worker.training.recipe import Recipe, canvas_of, defaults_for
from inference_worker.training.settings import Settings
from inference_worker.training.start import Start, beginning_of, classes_of
from inference_worker.training.tailoring import shares, size_of, tailored
from traceability.demo.boards import CLASSES, Sample

log = logging.getLogger(__name__)

_DRAWN_HELD = 0.05


@dataclass(frozen=True)
class Material:
    """Pictures to learn from with the share of views each gets, and to judge by.

    `golden` is what the model that was started from must still be able to do; of its
    `halves` one chooses how far to go, one judges.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    sets: Sequence[tuple[Pictures, float]]
    held: Pictures
    golden: Pictures | None
    halves: Halves | None
    test: Pictures | None
    samples: Sequence[Labelled]
    sources: Sequence[Source]

    def without_pixels(self) -> Material:
        """Once the pixels to learn from are on the device."""
        return replace(
            self, sets=[(one.without_pixels(), share) for one, share in self.sets]
        )


def gather(settings: Settings, start: Start | None) -> Material:
    """Read, draw, split. Raises DatasetError for whatever cannot be used."""
    if settings.data is None:
        return _of_drawn(settings, start)
    folders = read_folders(settings, settings.data, start)
    recipe = tailored(folders, settings, start)
    for reason in recipe.reasons:
        log.info("%s", reason)
    return _Gathering(settings, start, folders, recipe).material()


@dataclass(frozen=True)
class _Gathering:
    """Pictures of one training's folders: those trained on share one canvas."""

    settings: Settings
    start: Start | None
    folders: Folders
    recipe: Recipe

    def material(self) -> Material:
        folders, settings = self.folders, self.settings
        beside = self._beside()
        replay = settings.replay_share if folders.replay else 0.0
        views = shares(
            len(folders.training.samples), [len(one) for one in beside], replay
        )
        sets = [self._trained(folders.training, folders.known), *beside]
        if folders.replay is not None:
            sets.append(self._trained(folders.replay, _known(folders.replay)))
        return Material(
            recipe=self.recipe,
            classes=folders.classes,
            sets=list(zip(sets, views, strict=True)),
            held=self._judged(folders.held, folders.known),
            golden=self._judging(folders.golden),
            halves=None if folders.golden is None else halved(folders.golden),
            test=self._judging(folders.test),
            samples=folders.training.samples,
            sources=self._sources(beside),
        )

    @property
    def templates(self) -> bool:
        """Kept for a network that sees them, and where the folder has them all: then
        defects can be healed with their pixels.
        """
        every = all(sample.template for sample in self.folders.training.samples)
        return self.settings.template or every

    def _trained(self, listing: Listing, known: frozenset[str]) -> Pictures:
        size = self._size(listing)
        frame = Frame(size, self.recipe.canvas, self.recipe.grey)
        return self._load(listing, frame, known)

    def _judged(self, listing: Listing, known: frozenset[str]) -> Pictures:
        size = self._size(listing)
        frame = Frame(size, canvas_of(listing.samples, size), self.recipe.grey)
        return self._load(listing, frame, known)

    def _judging(self, listing: Listing | None) -> Pictures | None:
        return None if listing is None else self._judged(listing, _known(listing))

    def _load(self, listing: Listing, frame: Frame, known: frozenset[str]) -> Pictures:
        classes = self.folders.classes
        return load(listing.samples, frame, classes, known, templates=self.templates)

    def _size(self, listing: Listing) -> int:
        return size_of(listing, self.settings, self.start) or self.recipe.size

    def _beside(self) -> list[Pictures]:
        """Boards of our own drawing, on the canvas of the folder's images."""
        settings, parts = self.settings, []
        if settings.drawn:
            crisp = self.recipe.strength.crisp
            boards = drawn.boards(settings, self.recipe.size, two_levels=crisp)
            parts.append(self._drawn(boards, settings.drawn))
        if settings.planted:
            samples = drawn.planted(settings, self.folders.training.samples)
            parts.append(self._drawn(samples, settings.planted))
        return parts

    def _drawn(self, samples: Iterator[Sample], count: int) -> Pictures:
        drawn.check_classes(self.folders.classes)
        frame = Frame(self.recipe.size, self.recipe.canvas, self.recipe.grey)
        classes = self.folders.classes
        return of_samples(samples, count, frame, classes, templates=self.templates)

    def _sources(self, beside: Sequence[Pictures]) -> list[Source]:
        folders = self.folders
        both = [*folders.training.samples, *folders.held.samples]
        name = f"the labelled folder {_name(self.settings.data)}"
        parts = [
            sources.of_samples(name, both, folders.classes, len(folders.held.samples))
        ]
        for one in beside:
            parts.append(sources.of_pictures("boards drawn by our own code", one))
        if folders.replay is not None:
            again = folders.replay.samples
            parts.append(
                sources.of_samples("old data, shown again", again, folders.classes, 0)
            )
        return parts


def _of_drawn(settings: Settings, start: Start | None) -> Material:
    """Boards of our own drawing alone."""
    if settings.drawn < 2:
        raise DatasetError(
            "nothing to train on", "Give --coco FOLDER, or --drawn N with N over 1."
        )
    classes = classes_of(start, CLASSES)
    recipe = defaults_for(settings, settings.drawn, drawn.SIZE, beginning_of(start))
    frame = Frame(recipe.size, recipe.canvas, grey=False)
    samples = drawn.boards(settings, recipe.size)
    template = settings.template
    everything = of_samples(samples, settings.drawn, frame, classes, templates=template)
    order = np.random.default_rng(settings.seed).permutation(len(everything))
    share = settings.held_share or _DRAWN_HELD
    count = min(len(order) - 1, max(1, round(len(order) * share)))
    held = everything.take(order[:count])
    source = sources.of_pictures("boards drawn by our own code", everything)
    return Material(
        recipe=recipe,
        classes=classes,
        sets=[(everything.take(order[count:]), 1.0)],
        held=held,
        golden=None,
        halves=None,
        test=_tested(settings, recipe, classes),
        samples=(),
        sources=[replace(source, held=len(held))],
    )


def _tested(
    settings: Settings, recipe: Recipe, classes: tuple[str, ...]
) -> Pictures | None:
    """The test folder of a training on drawn boards."""
    if settings.test is None:
        return None
    listing = judging(settings.test, classes, settings)
    shape = canvas_of(listing.samples, recipe.size)
    frame = Frame(recipe.size, shape, grey=False)
    known = _known(listing)
    template = settings.template
    return load(listing.samples, frame, classes, known, templates=template)


def _known(listing: Listing) -> frozenset[str]:
    """The classes that have a box."""
    return frozenset(listing.classes[i] for s in listing.samples for i in s.class_ids)


def _name(folder: Path | None) -> str:
    return folder.resolve().name if folder else ""
