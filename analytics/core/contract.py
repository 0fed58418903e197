"""The columns of an analysis bundle: one row here for every column of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["unit", "text", "name", "time", "number", "count"]
"""`unit`: names a row of units; `text`: levels, each of many rows; `name`: text that
is nearly of each row another; `count`: a whole number from 0."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, what it holds, and whether it and its values may be missing.

    `needed`: the file must have it. `filled`: every row must have a value. `share`:
    a number that lies between 0 and 1.
    """

    name: str
    kind: Kind
    needed: bool = True
    filled: bool = True
    share: bool = False


def _optional(name: str, kind: Kind) -> Column:
    return Column(name, kind, needed=False, filled=False)


def _share(name: str) -> Column:
    return Column(name, "number", needed=False, filled=False, share=True)


def _unit() -> Column:
    return Column("unit", "unit")


def _text(name: str) -> Column:
    return Column(name, "text")


def _time(name: str) -> Column:
    return Column(name, "time")


COLUMNS: dict[str, tuple[Column, ...]] = {
    "units": (
        _unit(),
        _text("product"),
        Column("batch", "text", filled=False),
        _time("completed_at"),
        _optional("line", "text"),
    ),
    "steps": (
        _unit(),
        _text("operation"),
        Column("equipment", "text", filled=False),
        _optional("operator", "text"),
        _optional("shift", "text"),
        _optional("tool", "text"),
        _optional("run_no", "count"),
        _time("started_at"),
        Column("ended_at", "time", filled=False),
    ),
    "lots": (
        _unit(),
        _text("operation"),
        _text("material"),
        _text("lot"),
        _optional("supplier", "text"),
    ),
    "readings": (
        _unit(),
        _text("operation"),
        _text("parameter"),
        Column("value", "number"),
    ),
    "parameters": (
        _text("operation"),
        _text("parameter"),
        _optional("unit_of_measure", "text"),
        _optional("lower_limit", "number"),
        _optional("upper_limit", "number"),
    ),
    "equipment": (
        _text("equipment"),
        _text("operation"),
        Column("commissioned_at", "time", filled=False),
    ),
    "equipment_events": (_text("equipment"), _time("at"), _text("kind")),
    "inspections": (
        _unit(),
        _time("inspected_at"),
        _optional("inspection", "name"),
        _optional("station", "text"),
    ),
    "defects": (
        _unit(),
        _text("defect_class"),
        _optional("inspection", "name"),
        _share("x"),
        _share("y"),
        _share("width"),
        _share("height"),
        _optional("score", "number"),
        _optional("cluster", "text"),
    ),
}

NEEDED_FILES = ("units", "defects")
"""Every other file may be missing."""

KEYS: dict[str, tuple[str, ...]] = {
    "units": ("unit",),
    "readings": ("unit", "operation", "parameter"),
    "parameters": ("operation", "parameter"),
    "equipment": ("equipment", "operation"),
}
"""Columns that may not hold the same values twice."""
