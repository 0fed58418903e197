"""The door of the analysis: a bundle in, ranked causes out."""

from __future__ import annotations

import pandas as pd

from analytics.core.containment import HELD_COLUMNS
from analytics.core.explain import explain
from analytics.core.fingerprint import bundle_sha256
from analytics.core.frames import Bundle
from analytics.core.results import Analysis, Coded, Options
from analytics.core.study import Study


def analyse(bundle: Bundle, options: Options | None = None) -> Analysis:
    """Rank the causes of every defect class of the bundle.

    Pure and deterministic: the same rows in any order, with the same options,
    give the same answer.
    """
    options = options or Options()
    chosen = bundle if options.lines is None else bundle.of_lines(options.lines)
    classes = sorted(chosen.defects["defect_class"].unique())
    if options.classes is not None:
        classes = sorted(set(options.classes))
    study = Study.of(chosen)
    problems = tuple(explain(study, name, options) for name in classes)
    held = [problem.held for problem in problems if len(problem.held)]
    return Analysis(
        seed=options.seed,
        units=len(chosen.units),
        hypotheses=study.space.size,
        input_sha256=bundle_sha256(chosen),
        problems=problems,
        notes=_notes(chosen),
        held=pd.concat(held, ignore_index=True) if held else _nothing_held(),
    )


def _notes(bundle: Bundle) -> tuple[Coded, ...]:
    if len(bundle.units) and len(bundle.defects):
        return ()
    counts = {"units": len(bundle.units), "defects": len(bundle.defects)}
    return (Coded("nothing_to_analyse", counts),)


def _nothing_held() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in HELD_COLUMNS})
