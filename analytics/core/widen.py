"""Hypotheses that are only formed once the defects are known: pairs of readings.

Their prior is that of all that could have been formed, so looking first and weighing
afterwards earns nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analytics.core.cells import CellSpace, Family
from analytics.core.conjunctions import conjunctions
from analytics.core.derived import derived_factors
from analytics.core.factors import Numeric
from analytics.core.hypotheses import CONJUNCTIONS, DERIVED
from analytics.core.population import Outcome
from analytics.core.study import Study
from analytics.core.thresholds import thresholds


def widened(study: Study, outcome: Outcome) -> Study:
    """The study with the derived readings and the conjunctions worth weighing."""
    parameters = study.bundle.parameters
    units = dict(
        zip(
            zip(parameters["operation"], parameters["parameter"], strict=True),
            parameters["unit_of_measure"].astype(str),
            strict=True,
        )
    )
    inspected = outcome.inspected
    derived, formed = derived_factors(
        study.numeric, outcome.defective, inspected, units
    )
    families = [f for factor in derived for f in _families(factor, formed)]
    wider = _with(study, derived, families)
    readings = sum(factor.kind == "parameter" for factor in wider.numeric)
    both = conjunctions(wider.task(outcome), readings)
    return _with(wider, [], [family.scaled(CONJUNCTIONS) for family in both])


def _families(factor: Numeric, formed: int) -> list[Family]:
    return [family.scaled(DERIVED / formed) for family in thresholds(factor)]


def _with(study: Study, factors: list[Numeric], families: list[Family]) -> Study:
    if not factors and not families:
        return study
    families = [family for family in families if np.isfinite(family.share)]
    return replace(
        study,
        numeric=(*study.numeric, *factors),
        space=CellSpace.of([*study.space.families, *families]),
    )
