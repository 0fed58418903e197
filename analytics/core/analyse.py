"""The door of the analysis: a bundle in, ranked causes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd

from analytics.core.board import board_columns
from analytics.core.clustering import clusters_of
from analytics.core.containment import HELD_COLUMNS
from analytics.core.explain import explain
from analytics.core.fingerprint import bundle_sha256
from analytics.core.frames import Bundle
from analytics.core.results import Analysis, Coded, Options, Problem
from analytics.core.study import Study
from analytics.core.thresholds import forget

Progress = Callable[[str, float], None]


def analyse(
    bundle: Bundle, options: Options | None = None, progress: Progress | None = None
) -> Analysis:
    """Rank the causes of every defect class of the bundle, cluster by cluster.

    Pure and deterministic: the same rows in any order, with the same options,
    give the same answer. `progress` is told what is done now and the share done.
    """
    tell = progress or _tell_nobody
    options = options or Options()
    chosen = bundle if options.lines is None else bundle.of_lines(options.lines)
    classes = sorted(chosen.defects["defect_class"].unique())
    if options.classes is not None:
        classes = sorted(set(options.classes))
    tell("hypotheses", 0.0)
    study = Study.of(chosen)
    problems: list[Problem] = []
    for number, name in enumerate(classes):
        tell(name, (1 + number) / (1 + len(classes)))
        problems.extend(_of_class(study, name, options))
    forget()
    held = [problem.held for problem in problems if len(problem.held)]
    return Analysis(
        seed=options.seed,
        units=len(chosen.units),
        hypotheses=max((p.hypotheses for p in problems), default=study.space.size),
        input_sha256=bundle_sha256(chosen),
        problems=tuple(problems),
        notes=_notes(chosen),
        held=pd.concat(held, ignore_index=True) if held else _nothing_held(),
    )


def _of_class(study: Study, defect_class: str, options: Options) -> Iterator[Problem]:
    """One problem for each cluster of the class."""
    clusters = clusters_of(study.bundle, study.population, defect_class)
    for cluster in clusters:
        board = board_columns(cluster, clusters) if len(clusters) > 1 else {}
        problem = explain(study, defect_class, cluster, options)
        yield replace(problem, board=board)


def _tell_nobody(_what: str, _share: float) -> None:
    """Where no progress is asked for."""


def _notes(bundle: Bundle) -> tuple[Coded, ...]:
    if len(bundle.units) and len(bundle.defects):
        return ()
    counts = {"units": len(bundle.units), "defects": len(bundle.defects)}
    return (Coded("nothing_to_analyse", counts),)


def _nothing_held() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in HELD_COLUMNS})
