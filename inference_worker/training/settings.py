"""Everything that a person decides about a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """One training. What is None is chosen from the data (see `recipe`).

    Data: the labelled folder `data`, `drawn` boards of our own beside it or
    alone, and `planted` boards: defects drawn onto the folder's own templates.
    `template` trains a network that sees image and template. `start` names the
    model whose weights are the beginning ("nothing": chance; "": the shipped model
    of the same input). With `replay` the old data is shown for `replay_share` of
    the time, and `golden` guards what the old model could do. `no_turn` and
    `no_mirror` keep views the way photos are taken. Validated is on the folder
    `held`, or on `held_share` of `data`. The version folder is written to `out`;
    `model`, `version` and `release_seq` name it. A checkpoint lies there too, written
    after the first epoch that ends `checkpoint_seconds` past the last one. `device`
    is what torch calls it; empty takes the first GPU or the CPU.
    """

    out: Path
    data: Path | None = None
    drawn: int = 0
    planted: int = 0
    template: bool = False
    start: str = ""
    replay: Path | None = None
    replay_share: float = 0.5
    golden: Path | None = None
    test: Path | None = None
    accept_drop: bool = False
    skip_broken: bool = False
    no_turn: bool = False
    no_mirror: bool = False
    fresh: bool = False
    epochs: int | None = None
    batch: int | None = None
    size: int | None = None
    learning_rate: float | None = None
    held: Path | None = None
    held_share: float | None = None
    minutes: float | None = None
    checkpoint_seconds: float = 20.0
    seed: int = 0
    model: str = ""
    version: str = ""
    release_seq: int | None = None
    device: str = ""
