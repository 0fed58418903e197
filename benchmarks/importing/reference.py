"""What boxes files and their boxes compared look like."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
"""(n, 6): left, top, right, bottom in the picture's pixels, score, class."""

FLOOR = 0.25
"""Boxes of at least this score are compared."""


def write(file: Path, found: list[Rows]) -> None:
    file.write_text(json.dumps([rows.tolist() for rows in found]))


def read(file: Path) -> list[Rows]:
    return [
        np.array(rows, float).reshape(-1, 6) for rows in json.loads(file.read_text())
    ]


def reference_file(model: Path) -> Path:
    return model.with_suffix(".boxes.json")
