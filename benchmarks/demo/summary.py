"""What many factories say together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

SURE = 0.8
CLAIMED = 0.5
Row = dict[str, Any]
Share = tuple[int, int]


def summary(rows: Sequence[Row]) -> dict[str, Share]:
    """Counts by name: how many, and of how many."""
    plants = [plant for row in rows for plant in row["plants"]]
    kinds = sorted({plant["kind"] for plant in plants})
    return {
        "plants first": _count(plants, lambda plant: plant["first"]),
        f"plants first, confidence ≥ {SURE}": _count(plants, _sure),
        **{
            f"  {kind}": _count([p for p in plants if p["kind"] == kind], _sure)
            for kind in kinds
        },
        f"factories with every plant first, confidence ≥ {SURE}": _count(
            rows, lambda row: all(_sure(plant) for plant in row["plants"])
        ),
        "factories with a decoy above its plant": _count(
            rows, lambda row: row["decoys_above"] > 0
        ),
        f"healthy lines with a cause ≥ {CLAIMED}": _count(
            rows, lambda row: row["healthy_line_highest"] >= CLAIMED
        ),
        f"factories with a cause ≥ {CLAIMED} of a class nothing was planted in": _count(
            rows, lambda row: row["other_classes_highest"] >= CLAIMED
        ),
    }


def _sure(plant: Row) -> bool:
    return bool(plant["first"]) and plant["confidence"] >= SURE


def _count(items: Iterable[Row], holds: Callable[[Row], bool]) -> Share:
    verdicts = [holds(item) for item in items]
    return sum(verdicts), len(verdicts)
