"""What a model that goes on must still be able to do: who chooses, and who judges.

How far training may take a model is chosen on golden images. Whoever chooses does not
judge: the images are parted by groups, and one half of them only judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.metrics import Metrics
from inference_worker.training.datasets import Listing, choose_part
from inference_worker.training.errors import GoldenDropped

FEWEST = 20
"""Images of a half: fewer say nothing about half a point."""
MOST_DROP = 0.005
"""Of the mAP@0.5: more, and nothing is released."""


@dataclass(frozen=True)
class Halves:
    """Indices of the golden images that choose, and of those that judge; all of them
    both times where there are too few to be parted.
    """

    choosing: Sequence[int]
    judging: Sequence[int]

    @property
    def apart(self) -> bool:
        return not set(self.choosing) & set(self.judging)


def halved(golden: Listing) -> Halves:
    """Two halves that share no group and are mixed alike; the same each time."""
    every = range(len(golden.samples))
    whole = Halves(every, every)
    if len(every) < 2 * FEWEST:
        return whole
    try:
        judging = choose_part(golden, 0.5, seed=0)
    except DatasetError:
        return whole
    choosing = [i for i in every if i not in judging]
    if min(len(judging), len(choosing)) < FEWEST:
        return whole
    return Halves(choosing, sorted(judging))


@dataclass(frozen=True)
class Guarded:
    """The figures (before, after) on all golden images, and on those that judge."""

    whole: tuple[Metrics, Metrics]
    judged: tuple[Metrics, Metrics]
    halves: Halves

    def __str__(self) -> str:
        lines = [f"golden set: {_shown(self.whole)}"]
        if self.halves.apart:
            lines.append(f"the half of it that judges: {_shown(self.judged)}")
        return "\n".join(lines)

    def check(self) -> None:
        """GoldenDropped where either fell by more than MOST_DROP."""
        _check("the golden set", self.whole)
        _check("the half of the golden set that judges", self.judged)


def _shown(figures: tuple[Metrics, Metrics]) -> str:
    before, after = (one.map50 for one in figures)
    return f"mAP@0.5 {after:.4f}, was {before:.4f}"


def _check(what: str, figures: tuple[Metrics, Metrics]) -> None:
    before, after = (one.map50 for one in figures)
    if before - after > MOST_DROP:
        raise GoldenDropped(
            f"{what} falls from mAP@0.5 {before:.4f} to {after:.4f}, by more than"
            " half a point; nothing is released"
        )
