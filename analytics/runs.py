"""One analysis of one line: load, analyse, keep."""

from __future__ import annotations

import logging
import uuid
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd
from django.conf import settings
from django.utils import timezone

from analytics.cluster import ClusterError
from analytics.cluster_columns import cluster_columns
from analytics.core.analyse import analyse
from analytics.core.errors import BundleError
from analytics.core.frames import Bundle
from analytics.core.leaving import departures
from analytics.core.results import Analysis, Cause, Options, Problem
from analytics.core.watch import detection
from analytics.export import write_bundle
from analytics.loaders import Window, load_line
from analytics.provenance import code_version, environment
from traceability.attribution import snapshots
from traceability.attribution.models import AnalysisRun, RunState
from traceability.attribution.naming import with_names
from traceability.attribution.services import store_run
from traceability.catalog.models import Line
from traceability.lib.errors import BadInput

logger = logging.getLogger(__name__)

MINIMUM_UNITS = 30


def analyse_line(line: Line, options: Options | None = None) -> AnalysisRun:
    """Analyse what the cameras of `line` saw lately, and store what was found.

    Too few units are an answer too: a stored run that says so.

    :raises BadInput: the recorded data contradicts itself.
    """
    options = options or Options()
    started = timezone.now()
    end = started + timedelta(hours=settings.CAPTURED_AHEAD_HOURS)
    window = Window(started - timedelta(days=settings.ANALYSIS_WINDOW_DAYS), end)
    bundle = _load(line, window)
    kept = _kept(bundle, started)
    found = _analysed(bundle, options, kept["snapshot"])
    about = _about(found, options, window, started)
    result = with_names(line, _result(found, bundle))
    return store_run(line, result, about | kept)


def _load(line: Line, window: Window) -> Bundle:
    try:
        return load_line(line, window)
    except BundleError as error:
        raise BadInput(str(error), code="contradicting_data") from error


def _analysed(bundle: Bundle, options: Options, snapshot: str) -> Analysis:
    """The answer, screened on the Dask cluster of the settings if there is one.

    Its workers read the snapshot. An analysis is worth more than the cluster: when
    that cannot be used, it goes on in this process and the log says so.
    """
    address = settings.ANALYSIS_DASK_SCHEDULER
    if not (address and snapshot and bundle.columns):
        return analyse(bundle, options)
    try:
        with cluster_columns(address, settings.RUNS_ROOT / snapshot) as columns:
            far = columns.in_order(None, len(bundle.units))
            return analyse(replace(bundle, columns=far), options)
    except ClusterError as error:
        logger.warning("analysed without the cluster: %s", error)
        return analyse(bundle, options)


def _kept(bundle: Bundle, at: datetime) -> dict[str, Any]:
    """The run's id and the snapshot of what it saw, on disk before the row is."""
    run = uuid.uuid4()
    snapshot = snapshots.keep(run, at, partial(write_bundle, bundle))
    return {"id": run, "snapshot": snapshot.name, "snapshot_bytes": snapshot.size}


def _about(
    found: Analysis, options: Options, window: Window, started: datetime
) -> dict[str, Any]:
    scarce = found.units < MINIMUM_UNITS
    return {
        "state": RunState.TOO_LITTLE_DATA if scarce else RunState.DONE,
        "message": "; ".join(note.code for note in found.notes),
        "window_start": window.start,
        "window_end": window.end,
        "parameters": _parameters(options),
        "code_version": code_version(settings.VERSION),
        "environment": environment(),
        "started_at": started,
    }


def _parameters(options: Options) -> dict[str, Any]:
    """All options but the seed, which the run keeps by itself."""
    return {name: value for name, value in asdict(options).items() if name != "seed"}


def _result(found: Analysis, bundle: Bundle) -> dict[str, Any]:
    """The contract's JSON, with what the pages draw from beside each cause."""
    result = found.to_json()
    result["departures"] = [each.to_json() for each in departures(bundle)]
    last = _last_defects(bundle)
    for problem, said in zip(found.problems, result["problems"], strict=True):
        said["last_defect_at"] = last.get(problem.defect_class)
        said["overview"] = _overview(problem)
        _add_evidence(problem.causes, said["causes"])
        _add_evidence(problem.chronic, said["chronic"])
    return result


def _add_evidence(causes: tuple[Cause, ...], said: list[dict[str, Any]]) -> None:
    for cause, entry in zip(causes, said, strict=True):
        entry["evidence"] = cause.evidence.to_json()


def _overview(problem: Problem) -> dict[str, Any]:
    onset = problem.onset.isoformat() if problem.onset is not None else None
    return {
        "schema": 1,
        "chart": "daily",
        "daily": dict(problem.daily),
        "board": dict(problem.board),
        "detection": detection(problem.daily),
        "marks": {"onset": onset},
        "inspected_units": problem.inspected_units,
        "hidden_confidence": problem.hidden_confidence,
        "notes": [note.to_json() for note in problem.notes],
    }


def _last_defects(bundle: Bundle) -> dict[str, str]:
    """When each class of defect was last seen: class → ISO 8601."""
    looks = bundle.inspections[["unit", "inspected_at"]]
    seen = bundle.defects[["unit", "defect_class"]].merge(looks, on="unit")
    last: pd.Series[pd.Timestamp] = seen.groupby("defect_class", observed=True)[
        "inspected_at"
    ].max()
    return {str(name): at.isoformat() for name, at in last.dropna().items()}
