"""The demo factory of a seed: thirty days of two lines, and what is hidden in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import pandas as pd

from traceability.demo.factory import LINES, PLANTED_LINE, PRODUCTS
from traceability.demo.frames import bundle_frames
from traceability.demo.layouts import LAYOUTS
from traceability.demo.line_plan import plan_faulty_line, plan_healthy_line
from traceability.demo.truth import Truth


@dataclass(frozen=True)
class FactoryPlan:
    """What the MES will tell and the cameras will see, up to `until`.

    `frames`: the files of an analysis bundle; its `defects` are the drawn truth that
    the photos show. `board_seeds`: the layout of each product. `truth` names what was
    planted; nothing in the frames does.
    """

    seed: int
    until: datetime
    frames: Mapping[str, pd.DataFrame]
    board_seeds: Mapping[str, int]
    truth: Truth

    @property
    def sha256(self) -> str:
        """Of all that is in it: another version of this code may plan differently."""
        digest = hashlib.sha256(repr((self.truth, self.board_seeds)).encode())
        for file in sorted(self.frames):
            rows = pd.util.hash_pandas_object(self.frames[file], index=False)
            digest.update(rows.to_numpy().tobytes())
        return digest.hexdigest()

    def of_line(self, line: str) -> dict[str, pd.DataFrame]:
        """The frames of one line alone, as an analysis of that line sees them."""
        units = self.frames["units"]
        own = units.loc[units["line"] == line, "unit"]
        equipment = self.frames["equipment"]
        machines = equipment.loc[equipment["line"] == line, "equipment"]
        return {
            file: _rows_of(frame, own, machines) for file, frame in self.frames.items()
        }


def plan_factory(seed: int, today: date, until: datetime | None = None) -> FactoryPlan:
    """The same factory for the same seed, its last unit inspected just before `until`.

    `until` is noon (UTC) of `today` unless given; it moves all times alike.
    """
    until = until or datetime.combine(today, time(12), tzinfo=UTC)
    boards, *rngs = np.random.default_rng(seed).spawn(1 + len(LINES))
    layouts = boards.choice(LAYOUTS, len(PRODUCTS), replace=False)
    lines = [
        (plan_faulty_line if line.code == PLANTED_LINE else plan_healthy_line)(
            rng, line
        )
        for line, rng in zip(LINES, rngs, strict=True)
    ]
    return FactoryPlan(
        seed=seed,
        until=until,
        frames=bundle_frames(lines, until),
        board_seeds={
            product.code: int(layout)
            for product, layout in zip(PRODUCTS, layouts, strict=True)
        },
        truth=Truth(
            tuple(plant for line in lines for plant in line.truth.plants),
            tuple(decoy for line in lines for decoy in line.truth.decoys),
        ),
    )


def _rows_of(
    frame: pd.DataFrame, units: pd.Series, machines: pd.Series
) -> pd.DataFrame:
    if "unit" in frame:
        return frame[frame["unit"].isin(units)].reset_index(drop=True)
    if "equipment" in frame:
        return frame[frame["equipment"].isin(machines)].reset_index(drop=True)
    return frame
