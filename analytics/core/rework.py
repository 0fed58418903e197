"""Rework: which of several runs of a unit at one operation counts.

A unit that was found bad passes operations again, and what it met there cannot have
made it bad. The run that counts is the last one that began before the unit was judged,
the same for every class of defect: readings and lots are recorded once for each unit.
"""

from __future__ import annotations

import numpy as np

from analytics.core.arrays import Codes, Floats, Ints
from analytics.core.frames import Bundle
from analytics.core.population import Population, first_sight


def judged_at(bundle: Bundle, population: Population) -> Floats:
    """Seconds: when each unit was first found to have any defect, else last seen."""
    return first_sight(bundle, population, bundle.defects)


def counting_last(started: Floats, run_no: Floats, judged: Floats) -> Ints:
    """An order of runs in which the one that counts is the last of its unit.

    That is the last run that began at or before `judged` (seconds, one for each
    run), else the first run; a run without a start is before all others.
    """
    early = started <= judged
    sign = np.where(early, 1.0, -1.0)
    order: Ints = np.lexsort((sign * run_no, sign * started, early))
    return order


def run_order(
    unit: Codes, started: Floats, run_no: Floats, judged: Floats
) -> tuple[Ints, bool]:
    """`counting_last` of the runs at one operation, and whether no unit has two.

    `unit`: place of each run's unit; `judged`: of all units. Runs of units that
    have one come first: there is nothing to compare.
    """
    alone = np.bincount(unit, minlength=judged.size)[unit] == 1
    single, several = np.flatnonzero(alone), np.flatnonzero(~alone)
    ranked = counting_last(started[several], run_no[several], judged[unit[several]])
    return np.concatenate([single, several[ranked]]), not several.size
