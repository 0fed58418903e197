"""Everything that decides a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """One training: data from the COCO folder if given, else `drawn` boards.

    `held_share` of the data is kept for validation. The version folder is
    written to `out`; `model`, `version` and `release_seq` name it. `device` is
    what torch calls it; empty takes the first GPU or the CPU.
    """

    out: Path
    coco: Path | None = None
    drawn: int = 2000
    epochs: int = 40
    batch: int = 64
    size: int = 640
    learning_rate: float = 2e-3
    held_share: float = 0.05
    seed: int = 0
    model: str = "pcb-defects"
    version: str = "1"
    release_seq: int = 1
    device: str = ""
